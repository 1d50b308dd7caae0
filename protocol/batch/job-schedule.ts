import * as z from 'zod';
import { DisplayName, duration, int32, Metadata, nonEmpty, ResourceId, Time } from './common.js';
import { JobSpecification } from './job.js';
import { LIMITS } from './limits.js';

/**
 * Without `recurrenceInterval` the schedule makes one job. The service's minimum of PT1M is a setting of
 * the controller (`jobScheduleMinimumIntervalMs`) and is checked where the setting is known.
 */
const Schedule = z
  .object({
    doNotRunUntil: Time.optional(),
    doNotRunAfter: Time.optional(),
    startWindow: duration({ minimum: LIMITS.scheduleFloorMs }).optional(),
    recurrenceInterval: duration({ minimum: LIMITS.scheduleFloorMs }).optional(),
    /** Ours: five fields, or six with seconds first; instead of `recurrenceInterval`. */
    cronExpression: nonEmpty(LIMITS.cronExpressionLength).optional(),
    /** Of the cron expression, a name of the IANA database; UTC where it is absent. */
    timeZone: nonEmpty(LIMITS.idLength).optional(),
  })
  .superRefine((schedule, context) => {
    const { doNotRunUntil: from, doNotRunAfter: to, cronExpression } = schedule;
    if (cronExpression !== undefined && schedule.recurrenceInterval !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['cronExpression'],
        message: 'only one of cronExpression and recurrenceInterval may be given',
      });
    if (cronExpression === undefined && schedule.timeZone !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['timeZone'],
        message: 'it counts for a cronExpression only',
      });
    if (from !== undefined && to !== undefined && from > to)
      context.addIssue({
        code: 'custom',
        path: ['doNotRunAfter'],
        message: 'must not be before doNotRunUntil',
      });
  });

/** A schedule whose next runs are asked for before it is added. */
export const JobSchedulePreview = z.object({
  schedule: Schedule,
  count: int32(1, LIMITS.previewedRuns).default(10),
});
export type JobSchedulePreview = z.output<typeof JobSchedulePreview>;

export const JobScheduleAdd = z.object({
  id: ResourceId,
  displayName: DisplayName.optional(),
  schedule: Schedule,
  jobSpecification: JobSpecification,
  metadata: Metadata.optional(),
});
export type JobScheduleAdd = z.output<typeof JobScheduleAdd>;

/** Replaces what it names, each as a whole. */
export const JobSchedulePatch = z.object({
  schedule: Schedule.optional(),
  jobSpecification: JobSpecification.optional(),
  metadata: Metadata.optional(),
});
export type JobSchedulePatch = z.output<typeof JobSchedulePatch>;

export const JobScheduleUpdate = z.object({
  schedule: Schedule,
  jobSpecification: JobSpecification,
  metadata: Metadata.default([]),
});
export type JobScheduleUpdate = z.output<typeof JobScheduleUpdate>;
