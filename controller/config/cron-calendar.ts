import { CronTime, validateCronExpression } from 'cron';
import { createRequire } from 'node:module';
import type * as Luxon from 'luxon';
import type { CronCalendar } from '../core/settings.js';

/** The copy that `cron` itself uses: an import would get the other one of luxon's two. */
const {
  DateTime,
  IANAZone,
  Settings: LuxonSettings,
} = createRequire(import.meta.url)('luxon') as typeof Luxon;

/** Expressions whose parsed form is kept. */
const KEPT_MAXIMUM = 1000;
const SECOND_MS = 1000;
/** Clocks are never put forward by more. */
const GAP_MINUTES = 180;

/**
 * The calendar of cron expressions, by the package `cron`: five fields, or six with seconds first; names
 * and `@daily` too. In a time zone with summer time
 *   - a run that falls into the hour that is left out happens at the first instant after it;
 *   - a run at a given time in the hour that comes twice happens the first time only, one that is repeated
 *     (every 30 minutes) goes on through both.
 */
export function cronCalendar(): CronCalendar {
  const kept = new Map<string, CronTime>();
  const timeOf = (expression: string): CronTime => {
    const present = kept.get(expression);
    if (present !== undefined) return present;
    if (kept.size >= KEPT_MAXIMUM) kept.clear();
    const made = new CronTime(expression);
    kept.set(expression, made);
    return made;
  };
  return {
    whyNot(expression, timeZone) {
      const { valid, error } = validateCronExpression(expression);
      if (!valid) return { property: 'cronExpression', reason: reasonOf(error) };
      if (IANAZone.isValidZone(timeZone)) return undefined;
      const reason = 'it is no time zone of the IANA database, such as Europe/Berlin';
      return { property: 'timeZone', reason };
    },
    next: (expression, timeZone, after) =>
      atTime(after, () => {
        const found = search(timeOf(expression), timeZone, after);
        return found !== undefined && found > after ? found : undefined;
      }),
  };
}

/** The package looks eight years ahead of the present, which here is the time that was asked for. */
function atTime<T>(now: number, look: () => T): T {
  const present = LuxonSettings.now;
  LuxonSettings.now = () => now;
  try {
    return look();
  } finally {
    LuxonSettings.now = present;
  }
}

/** Runs have whole seconds: the search begins at that of `after`, which it leaves out. */
function search(time: CronTime, zone: string, after: number): number | undefined {
  const from = DateTime.fromMillis(Math.floor(after / SECOND_MS) * SECOND_MS, { zone });
  try {
    const found = time.getNextDateFrom(from, zone);
    const wanted = time.getNextDateFrom(from.setZone('UTC', { keepLocalTime: true }), 'UTC');
    const isAsWanted = found.setZone('UTC', { keepLocalTime: true }).equals(wanted.setZone('UTC'));
    return (isAsWanted ? found : afterGap(found)).toMillis();
  } catch (error) {
    // It gives up with an error of no class of its own.
    if (error instanceof Error && error.message.includes('No execution date')) return undefined;
    throw error;
  }
}

/** The clocks were put forward over the wanted time: back to where they were. */
function afterGap(found: Luxon.DateTime): Luxon.DateTime {
  let first = found.startOf('minute');
  for (let n = 0; n < GAP_MINUTES; n += 1) {
    const before = first.minus({ minutes: 1 });
    if (before.offset !== first.offset) return first;
    first = before;
  }
  return found;
}

const reasonOf = (error: Error | undefined) =>
  `it is no cron expression (minute, hour, day of month, month, day of week): ${error?.message ?? 'it cannot be read'}`;
