import { evaluationError, FormulaError } from './formula-error.js';
import type { MetricName } from './names.js';
import type { PoolSamples } from './samples.js';
import { SAMPLE_PERIOD_MS } from './series.js';
import { double, doubleVec, nameOf, numberOf, timeinterval, timestamp } from './values.js';
import type { Value } from './values.js';

interface MethodCall {
  readonly metric: MetricName;
  readonly name: string;
  readonly at: number;
  readonly arguments: readonly Value[];
}

const percentText = (percent: number) => `${Math.floor(percent)}%`;
const tooFew = ({ metric, at }: MethodCall, wanted: string, received: string) =>
  new FormulaError(
    'samples',
    at,
    `Insufficient data from data set: ${metric} wanted ${wanted}, received ${received}`,
  );

/** Calls a method of a metric (the contract's section 6.5). */
export function callMethod(call: MethodCall, samples: PoolSamples, now: number): Value {
  const { metric, at } = call;
  switch (call.name) {
    case 'GetSample':
      return doubleVec(getSample(call, samples, now), at);
    case 'GetSamplePercent': {
      const { start, end } = spanOf(call, now, 2);
      return double(samples.between(metric, start, end).percent);
    }
    case 'GetSamplePeriod':
      return timeinterval(SAMPLE_PERIOD_MS, at);
    case 'Count':
      return double(samples.count(metric));
    case 'HistoryBeginTime': {
      const begin = samples.beginTime(metric);
      if (begin === undefined) throw tooFew(call, '1 sample', '0');
      return timestamp(begin, at);
    }
    default:
      throw evaluationError(at, `unknown method ${call.name}`);
  }
}

/** A metric by itself is its latest sample. */
export function latestOf(metric: MetricName, samples: PoolSamples, at: number): Value {
  const [value] = samples.latest(metric, 1);
  if (value === undefined)
    throw tooFew({ metric, at, name: metric, arguments: [] }, '1 sample', '0');
  return double(value);
}

function getSample(call: MethodCall, samples: PoolSamples, now: number): number[] {
  const [first] = call.arguments;
  if (first?.type === 'double' || first?.type === 'doubleVec') {
    if (call.arguments.length > 1)
      throw evaluationError(call.at, 'GetSample with a count takes nothing else');
    const count = Math.trunc(numberOf(first, call.at, 'the count of GetSample'));
    if (!(count >= 1)) throw evaluationError(call.at, `the count of GetSample is ${count}`);
    const found = samples.latest(call.metric, count);
    if (found.length === 0) throw tooFew(call, count === 1 ? '1 sample' : `${count} samples`, '0');
    return found;
  }
  const { start, end, rest } = spanOf(call, now, 3);
  const wanted = rest === undefined ? 0 : numberOf(rest, call.at, 'the sample percentage');
  if (!(wanted >= 0 && wanted <= 100))
    throw evaluationError(call.at, `a sample percentage is from 0 to 100, not ${wanted}`);
  const found = samples.between(call.metric, start, end);
  // Without any sample there is nothing to give, whatever was wanted.
  if (found.percent < wanted || found.samples.length === 0)
    throw tooFew(call, percentText(Math.max(wanted, 1)), percentText(found.percent));
  return found.samples;
}

/**
 * The span of time that arguments name: timestamps, or intervals looking back from now; one of them
 * reaches until now, two may come in either order. `rest` is the argument after them.
 */
function spanOf(
  call: MethodCall,
  now: number,
  most: number,
): { start: number; end: number; rest: Value | undefined } {
  const times: number[] = [];
  for (const value of call.arguments) {
    if (value.type === 'timestamp') times.push(value.value);
    else if (value.type === 'timeinterval') times.push(now - value.value);
    else break;
  }
  const rest = call.arguments[times.length];
  if (times.length === 0 || times.length > 2)
    throw evaluationError(
      call.at,
      `${call.name} takes a start and an end as timestamps or timeintervals${rest === undefined ? '' : `, not ${nameOf(rest)}`}`,
    );
  if (times.length + (rest === undefined ? 0 : 1) !== call.arguments.length || (rest && most < 3))
    throw evaluationError(call.at, `${call.name} has an argument too many or of a wrong type`);
  const [one = now, other = now] = times;
  return { start: Math.min(one, other), end: Math.max(one, other), rest };
}
