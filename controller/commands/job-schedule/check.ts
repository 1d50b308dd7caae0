import { invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import { durationMs, formatDuration } from '../../../protocol/time.js';
import type { Transaction } from '../../engine/command.js';

/** Azure's minimum is one minute; the operator's setting decides here. */
export function checkSchedule(
  { settings }: Transaction,
  properties: Partial<Pick<JobScheduleAdd, 'schedule'>>,
): void {
  const { schedule } = properties;
  for (const name of ['recurrenceInterval', 'startWindow'] as const) {
    const text = schedule?.[name];
    if (text !== undefined && durationMs(text) < settings.jobScheduleMinimumIntervalMs)
      throw invalidPropertyValue(
        name,
        text,
        `the minimum is ${formatDuration(settings.jobScheduleMinimumIntervalMs)}`,
      );
  }
}
