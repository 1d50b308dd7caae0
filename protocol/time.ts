/** Times and durations between the wire (ISO 8601 text) and the core (milliseconds). */

/** The wire's "no limit": the largest .NET TimeSpan. */
export const INFINITE_DURATION = 'P10675199DT2H48M5.4775807S';

const TICKS_PER_MS = 10_000;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Anything from here on is infinite: days of the largest .NET TimeSpan. */
export const INFINITE_MS = 10_675_199 * DAY_MS;

const DURATION =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/;

/**
 * Milliseconds of an ISO 8601 duration, or undefined where the text is none. A year counts 365 days
 * and a month 30, as .NET's XmlConvert reads them; negative durations are refused.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64) return undefined;
  const match = DURATION.exec(text);
  if (match === null || text.endsWith('P') || text.endsWith('T')) return undefined;
  const part = (at: number) => Number((match[at] ?? '0').replace(',', '.'));
  const days = part(1) * 365 + part(2) * 30 + part(3) * 7 + part(4);
  const ms =
    days * DAY_MS + part(5) * HOUR_MS + part(6) * MINUTE_MS + Math.round(part(7) * SECOND_MS);
  return ms >= INFINITE_MS ? Infinity : ms;
}

/** Milliseconds of a duration that a schema has let through; Infinity for the infinite one. */
export function durationMs(iso: string): number {
  const ms = parseDuration(iso);
  if (ms === undefined) throw new RangeError(`not an ISO 8601 duration: ${iso}`);
  return ms;
}

/** To the 100 ns of a .NET TimeSpan: clients read no more digits of a second. */
const toTicks = (ms: number) =>
  Number.isInteger(ms) ? ms : Math.round(ms * TICKS_PER_MS) / TICKS_PER_MS;

/** The normal form of the service: days, hours, minutes, seconds (`P7D`, `PT15M`, `P1DT2H`). */
export function formatDuration(duration: number): string {
  const ms = toTicks(duration);
  if (ms >= INFINITE_MS) return INFINITE_DURATION;
  if (ms <= 0) return 'PT0S';
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  const seconds = ((ms % MINUTE_MS) / SECOND_MS).toFixed(7).replace(/\.?0+$/, '');
  const time =
    (hours > 0 ? `${hours}H` : '') +
    (minutes > 0 ? `${minutes}M` : '') +
    (seconds === '0' ? '' : `${seconds}S`);
  return `P${days > 0 ? `${days}D` : ''}${time === '' ? '' : `T${time}`}`;
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Epoch milliseconds of a W3C date (`YYYY-MM-DD`, to the minute, or to fractions of a second), or
 * undefined where the text is none. Without a zone it is UTC.
 */
export function readTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const part = (at: number) => Number(match[at] ?? '0');
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part);
  const ms = Number((match[7] ?? '0').padEnd(3, '0').slice(0, 3));
  const utc = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, ms);
  const date = new Date(utc);
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return undefined;
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return undefined;
  const zone = match[8];
  if (zone === undefined || zone.toUpperCase() === 'Z') return utc;
  const offset = Number(zone.slice(1, 3)) * HOUR_MS + Number(zone.slice(-2)) * MINUTE_MS;
  return zone.startsWith('-') ? utc + offset : utc - offset;
}

/** Epoch milliseconds of a time that a schema has let through. */
export function parseTime(iso: string): number {
  const ms = readTime(iso);
  if (ms === undefined) throw new RangeError(`not an ISO 8601 time: ${iso}`);
  return ms;
}

/** `2026-01-31T10:20:30.456Z` */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
