import type { JobSchedulePreview } from '../../../protocol/batch/job-schedule.js';
import { firstRun, runsFrom } from '../../core/job-schedule/recurrence.js';
import type { Command } from '../../engine/command.js';
import { findJobSchedule, type BodyLess, type Input } from '../find.js';
import { checkSchedule } from './check.js';

/** JobSchedule_PreviewRuns: when its next jobs are due (epoch milliseconds), if nothing is in their way. Changes nothing. */
export const jobSchedulePreviewRuns = ({
  account,
  jobScheduleId,
  count,
}: BodyLess & { jobScheduleId: string; count: number }): Command<number[]> => ({
  name: 'jobSchedulePreviewRuns',
  run(transaction) {
    const { settings, now } = transaction;
    const { state, nextRunTime, specification } = findJobSchedule(
      transaction,
      account,
      jobScheduleId,
    );
    if (state !== 'active' && state !== 'disabled') return [];
    const isCounting = state === 'active' && specification.schedule.cronExpression === undefined;
    const first =
      isCounting || (nextRunTime !== undefined && nextRunTime > now)
        ? nextRunTime
        : firstRun(settings.cron, specification.schedule, now);
    return runsFrom(settings.cron, specification.schedule, first, count);
  },
});

/** JobSchedule_PreviewUnsavedRuns: the same of a schedule that is not there yet. */
export const jobSchedulePreviewUnsavedRuns = ({
  body: { schedule, count },
}: Input<JobSchedulePreview>): Command<number[]> => ({
  name: 'jobSchedulePreviewUnsavedRuns',
  run(transaction) {
    checkSchedule(transaction, { schedule });
    const { settings, now } = transaction;
    return runsFrom(settings.cron, schedule, firstRun(settings.cron, schedule, now), count);
  },
});
