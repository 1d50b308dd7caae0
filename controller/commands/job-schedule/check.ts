import { invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import { durationMs, formatDuration, formatTime } from '../../../protocol/time.js';
import { firstRun, runsFrom, zoneOf } from '../../core/job-schedule/recurrence.js';
import type { Transaction } from '../../engine/command.js';

type Schedule = JobScheduleAdd['schedule'];

/** Runs of a cron expression whose pauses are looked at. */
const LOOKED_AT = 20;

/** Azure's minimum is one minute; the operator's setting decides here. A cron expression must run, and not too often. */
export function checkSchedule(
  transaction: Transaction,
  { schedule }: Partial<Pick<JobScheduleAdd, 'schedule'>>,
): void {
  if (schedule === undefined) return;
  const minimum = transaction.settings.jobScheduleMinimumIntervalMs;
  for (const name of ['recurrenceInterval', 'startWindow'] as const) {
    const text = schedule[name];
    if (text !== undefined && durationMs(text) < minimum)
      throw invalidPropertyValue(name, text, `the minimum is ${formatDuration(minimum)}`);
  }
  if (schedule.cronExpression !== undefined)
    checkCron(transaction, schedule, schedule.cronExpression);
}

function checkCron({ settings, now }: Transaction, schedule: Schedule, expression: string): void {
  const { cron, jobScheduleMinimumIntervalMs: minimum } = settings;
  if (cron === undefined)
    throw invalidPropertyValue('cronExpression', expression, 'this controller has no calendar');
  const problem = cron.whyNot(expression, zoneOf(schedule));
  if (problem !== undefined) {
    const value = problem.property === 'timeZone' ? zoneOf(schedule) : expression;
    throw invalidPropertyValue(problem.property, value, problem.reason);
  }
  const runs = runsFrom(cron, schedule, firstRun(cron, schedule, now), LOOKED_AT);
  if (runs.length === 0)
    throw invalidPropertyValue(
      'cronExpression',
      expression,
      schedule.doNotRunAfter === undefined
        ? 'it never runs'
        : `it does not run until ${schedule.doNotRunAfter} (doNotRunAfter)`,
    );
  const isClose = (run: number, at: number) => run - (runs[at - 1] ?? -Infinity) < minimum;
  const close = runs.find(isClose);
  if (close !== undefined)
    throw invalidPropertyValue(
      'cronExpression',
      expression,
      `the minimum between two runs is ${formatDuration(minimum)}; it runs again too soon at ${formatTime(close)}`,
    );
}

/** A new schedule must have a run before it: one that has none can only be a mistake. */
export function checkRuns({ settings, now }: Transaction, schedule: Schedule): void {
  if (firstRun(settings.cron, schedule, now) !== undefined) return;
  throw invalidPropertyValue(
    'doNotRunAfter',
    schedule.doNotRunAfter ?? '',
    `the schedule would never run: it is ${formatTime(now)}`,
  );
}
