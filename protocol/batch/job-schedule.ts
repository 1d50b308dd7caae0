import { z } from 'zod';
import { DisplayName, duration, Metadata, ResourceId, Time } from './common.js';
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
  })
  .superRefine((schedule, context) => {
    const { doNotRunUntil: from, doNotRunAfter: to } = schedule;
    if (from !== undefined && to !== undefined && from > to)
      context.addIssue({
        code: 'custom',
        path: ['doNotRunAfter'],
        message: 'must not be before doNotRunUntil',
      });
  });

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
