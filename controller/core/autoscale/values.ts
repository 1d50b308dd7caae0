import { LIMITS } from '../../../protocol/batch/limits.js';
import { formatTime } from '../../../protocol/time.js';
import { evaluationError } from './formula-error.js';

/** The language's types. Times are epoch milliseconds, intervals milliseconds. */
export type Value =
  | { type: 'double'; value: number }
  | { type: 'doubleVec'; value: readonly number[] }
  | { type: 'string'; value: string }
  | { type: 'timestamp'; value: number }
  | { type: 'timeinterval'; value: number };

export const double = (value: number): Value => ({ type: 'double', value });
/** Comparisons and logic give 1 or 0. */
export const truth = (value: boolean): Value => double(value ? 1 : 0);
export const doubleVec = (value: readonly number[], at: number): Value => {
  if (value.length > LIMITS.autoScaleVectorLength)
    throw evaluationError(at, `a vector of more than ${LIMITS.autoScaleVectorLength} elements`);
  return { type: 'doubleVec', value };
};

/** The latest and earliest time that can be written. */
const TIME_MAXIMUM = 8.64e15;
export function timestamp(value: number, at: number): Value {
  if (!(Math.abs(value) <= TIME_MAXIMUM)) throw evaluationError(at, 'a time beyond all calendars');
  return { type: 'timestamp', value };
}
export function timeinterval(value: number, at: number): Value {
  if (!Number.isFinite(value)) throw evaluationError(at, 'a time interval without end');
  return { type: 'timeinterval', value };
}

/** The number of a double; a vector of one element (`GetSample(1)`) is taken for it. */
export function numberOf(value: Value, at: number, what: string): number {
  if (value.type === 'double') return value.value;
  const only = value.type === 'doubleVec' && value.value.length === 1 ? value.value[0] : undefined;
  if (only !== undefined) return only;
  throw evaluationError(at, `${what} must be a double, not ${nameOf(value)}`);
}

/** `a doubleVec of 3 elements`, for errors. */
export const nameOf = (value: Value): string =>
  value.type === 'doubleVec' ? `a doubleVec of ${value.value.length} elements` : `a ${value.type}`;

/** Characters of one value in the results: they are kept with the pool. */
const TEXT_MAXIMUM = 1000;

/** A value as it stands in the results of a run: `5`, `[1,1]`, `2016-10-13T19:18:47.805Z`, `00:10:00`. */
export function textOf(value: Value): string {
  switch (value.type) {
    case 'double':
      return numberText(value.value);
    case 'doubleVec':
      return vectorText(value.value);
    case 'string':
      return cut(value.value);
    case 'timestamp':
      return formatTime(value.value);
    case 'timeinterval':
      return intervalText(value.value);
  }
}

const cut = (text: string) =>
  text.length > TEXT_MAXIMUM ? `${text.slice(0, TEXT_MAXIMUM)}…` : text;

/** Zero has no sign here. */
const numberText = (value: number) => String(value === 0 ? 0 : value);

function vectorText(vector: readonly number[]): string {
  let text = '';
  for (const [index, element] of vector.entries()) {
    if (text.length > TEXT_MAXIMUM) return `[${text},…]`;
    text += `${index === 0 ? '' : ','}${numberText(element)}`;
  }
  return `[${text}]`;
}

/** `[-][d.]hh:mm:ss[.fffffff]` */
function intervalText(ms: number): string {
  const ticks = Math.round(Math.abs(ms) * 10_000);
  const two = (part: number) => String(part).padStart(2, '0');
  const seconds = Math.floor(ticks / 10_000_000);
  const days = Math.floor(seconds / 86_400);
  const fraction = ticks % 10_000_000;
  return [
    ms < 0 && ticks > 0 ? '-' : '',
    days > 0 ? `${days}.` : '',
    `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`,
    fraction > 0 ? `.${String(fraction).padStart(7, '0')}` : '',
  ].join('');
}
