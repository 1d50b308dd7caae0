import { readTime } from '../../../protocol/time.js';
import { evaluationError } from './formula-error.js';
import type { TimestampMember } from './names.js';
import { double, doubleVec, nameOf, numberOf, timestamp } from './values.js';
import type { Value } from './values.js';

interface Call {
  readonly name: string;
  readonly at: number;
  readonly arguments: readonly Value[];
}

/** What functions know besides their arguments: the time, and chance in [0, 1). */
export interface Surroundings {
  readonly now: number;
  readonly random: () => number;
}

/** Calls any function but `stop`, which only the evaluation itself can do. */
export function callFunction(call: Call, { now, random }: Surroundings): Value {
  switch (call.name) {
    case 'lg':
      return logarithm(call, Math.log2);
    case 'ln':
      return logarithm(call, Math.log);
    case 'log':
      return logarithm(call, Math.log10);
    case 'ceil':
      return rounded(call, Math.ceil);
    case 'floor':
      return rounded(call, Math.floor);
    case 'trunc':
      return rounded(call, Math.trunc);
    case 'round':
      return rounded(call, (x) => Math.sign(x) * Math.round(Math.abs(x)));
    case 'vec':
      return doubleVec(flattened(call), call.at);
    case 'rand':
      return double(random());
    case 'time':
      return time(call, now);
    case 'percentile':
      return percentile(call);
    case 'val':
      return element(call);
    default:
      return double(aggregate(call));
  }
}

const argument = (call: Call, index: number): Value => {
  const value = call.arguments[index];
  if (value === undefined) throw evaluationError(call.at, `${call.name} misses an argument`);
  return value;
};

/** A doubleVecList: doubles and vectors in any mix, one after the other. */
function flattened({ name, at, arguments: list }: Call): number[] {
  const all: number[] = [];
  for (const value of list) {
    if (value.type === 'double') all.push(value.value);
    else if (value.type === 'doubleVec') for (const one of value.value) all.push(one);
    else throw evaluationError(at, `${name} takes doubles and vectors, not ${nameOf(value)}`);
  }
  return all;
}

const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0);
const extreme = (list: readonly number[], pick: (a: number, b: number) => number) =>
  list.reduce((best, one) => pick(best, one));

function aggregate(call: Call): number {
  const list = flattened(call);
  if (call.name === 'len') return list.length;
  if (call.name === 'sum') return sum(list);
  if (call.name === 'norm') return Math.sqrt(sum(list.map((one) => one * one)));
  if (list.length === 0) throw evaluationError(call.at, `${call.name} needs at least one value`);
  switch (call.name) {
    case 'avg':
      return sum(list) / list.length;
    case 'min':
      return extreme(list, Math.min);
    case 'max':
      return extreme(list, Math.max);
    case 'range':
      return extreme(list, Math.max) - extreme(list, Math.min);
    case 'std':
      return deviation(list);
    default:
      throw evaluationError(call.at, `unknown function ${call.name}`);
  }
}

/** Sample deviation; that of a single value is 0. */
function deviation(list: readonly number[]): number {
  if (list.length === 1) return 0;
  const mean = sum(list) / list.length;
  return Math.sqrt(sum(list.map((one) => (one - mean) ** 2)) / (list.length - 1));
}

/** One double gives a double; a list or a vector, `vec(x)` too, element by element. */
function logarithm(call: Call, of: (x: number) => number): Value {
  const [only] = call.arguments;
  if (call.arguments.length === 1 && only?.type === 'double') return double(of(only.value));
  return doubleVec(flattened(call).map(of), call.at);
}

function rounded(call: Call, of: (x: number) => number): Value {
  const value = argument(call, 0);
  if (value.type === 'doubleVec') return doubleVec(value.value.map(of), call.at);
  return double(of(numberOf(value, call.at, `the argument of ${call.name}`)));
}

function vectorOf(call: Call): readonly number[] {
  const value = argument(call, 0);
  if (value.type === 'doubleVec') return value.value;
  return [numberOf(value, call.at, `the first argument of ${call.name}`)];
}

/** The element that p percent of the vector do not exceed (nearest rank); p from 0 to 100. */
function percentile(call: Call): Value {
  const sorted = [...vectorOf(call)].sort((a, b) => a - b);
  const p = numberOf(argument(call, 1), call.at, 'the percentile');
  if (!(p >= 0 && p <= 100))
    throw evaluationError(call.at, `a percentile is from 0 to 100, not ${p}`);
  const found = sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
  if (found === undefined) throw evaluationError(call.at, 'percentile needs at least one value');
  return double(found);
}

function element(call: Call): Value {
  const vector = vectorOf(call);
  const index = numberOf(argument(call, 1), call.at, 'the index');
  const found = vector[Math.trunc(index)];
  if (found === undefined)
    throw evaluationError(call.at, `no element ${index} in a vector of ${vector.length} elements`);
  return double(found);
}

function time(call: Call, now: number): Value {
  const [text] = call.arguments;
  if (text === undefined) return timestamp(now, call.at);
  if (text.type !== 'string')
    throw evaluationError(call.at, `time takes a string, not ${nameOf(text)}`);
  if (text.value.trim() === '') return timestamp(now, call.at);
  const found = readW3c(text.value.trim()) ?? readRfc1123(text.value.trim());
  if (found === undefined)
    throw evaluationError(
      call.at,
      `"${text.value.slice(0, 40)}" is neither a W3C date (2016-10-13T19:18:47Z) nor one of RFC 1123 (Thu, 13 Oct 2016 19:18:47 GMT)`,
    );
  return timestamp(found, call.at);
}

/** W3C-DTF: from a year alone to fractions of a second. */
function readW3c(text: string): number | undefined {
  if (/^\d{4}$/.test(text)) return readTime(`${text}-01-01`);
  if (/^\d{4}-\d\d$/.test(text)) return readTime(`${text}-01`);
  return readTime(text);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const RFC_1123 =
  /^(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d\d:\d\d(?::\d\d)?) (?:gmt|utc?|z|([+-]\d{4}))$/i;

function readRfc1123(text: string): number | undefined {
  const [, day, month, year, clock, zone] = RFC_1123.exec(text) ?? [];
  if (day === undefined || month === undefined) return undefined;
  const number = MONTHS.indexOf(month.toLowerCase()) + 1;
  if (number === 0) return undefined;
  const two = (part: string | number) => String(part).padStart(2, '0');
  return readTime(`${year}-${two(number)}-${two(day)}T${clock}${zone ?? 'Z'}`);
}

/** A part of a timestamp in UTC; Monday is weekday 1, Sunday 7. */
export function memberOf(value: Value, name: TimestampMember, at: number): Value {
  if (value.type !== 'timestamp')
    throw evaluationError(at, `only a timestamp has .${name}, not ${nameOf(value)}`);
  const date = new Date(value.value);
  const members: Record<TimestampMember, number> = {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay() === 0 ? 7 : date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
  return double(members[name]);
}
