import type { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import { durationMs, parseTime } from '../../../protocol/time.js';
import type { CronCalendar } from '../settings.js';

type Schedule = JobScheduleAdd['schedule'];

/** No calendar is only where nothing checks schedules: then no cron expression has been let in. */
type Calendar = CronCalendar | undefined;

/** The last moment at which a job may be made; Infinity without an end. */
export const endOf = ({ doNotRunAfter }: Schedule) =>
  doNotRunAfter === undefined ? Infinity : parseTime(doNotRunAfter);

const beginOf = ({ doNotRunUntil }: Schedule) =>
  doNotRunUntil === undefined ? -Infinity : parseTime(doNotRunUntil);

const intervalOf = ({ recurrenceInterval }: Schedule) =>
  recurrenceInterval === undefined ? Infinity : durationMs(recurrenceInterval);

const withinEnd = (schedule: Schedule, time: number | undefined) =>
  time !== undefined && time < Infinity && time <= endOf(schedule) ? time : undefined;

/** The zone that the cron expression counts in. */
export const zoneOf = ({ timeZone }: Schedule) => timeZone ?? 'UTC';

/** When a schedule that begins to count at `from` is due first: an interval at once, a cron expression when it says. */
export function firstRun(calendar: Calendar, schedule: Schedule, from: number): number | undefined {
  const begin = Math.max(from, beginOf(schedule));
  const { cronExpression } = schedule;
  if (cronExpression === undefined) return withinEnd(schedule, begin);
  return withinEnd(schedule, calendar?.next(cronExpression, zoneOf(schedule), begin - 1));
}

/** The due time after `due` that is later than `now`: those in between are lost, not made up for. */
export function nextRun(
  calendar: Calendar,
  schedule: Schedule,
  due: number,
  now: number,
): number | undefined {
  const { cronExpression } = schedule;
  if (cronExpression !== undefined)
    return withinEnd(
      schedule,
      calendar?.next(cronExpression, zoneOf(schedule), Math.max(due, now)),
    );
  const interval = intervalOf(schedule);
  if (interval === Infinity) return undefined;
  const missed = Math.max(0, Math.floor((now - due) / interval));
  return withinEnd(schedule, due + (missed + 1) * interval);
}

/** How late the job that is due at `due` may be made; one that is longer than the pause to the next has no end. */
export function windowOf(calendar: Calendar, schedule: Schedule, due: number): number {
  if (schedule.startWindow === undefined) return Infinity;
  const window = durationMs(schedule.startWindow);
  const { cronExpression } = schedule;
  const pause =
    cronExpression === undefined
      ? intervalOf(schedule)
      : (calendar?.next(cronExpression, zoneOf(schedule), due) ?? Infinity) - due;
  return window > pause ? Infinity : window;
}

/** The next runs, `first` included, at most so many. */
export function runsFrom(
  calendar: Calendar,
  schedule: Schedule,
  first: number | undefined,
  most: number,
): number[] {
  const runs: number[] = [];
  for (let run = first; run !== undefined && runs.length < most;) {
    runs.push(run);
    run = nextRun(calendar, schedule, run, run);
  }
  return runs;
}
