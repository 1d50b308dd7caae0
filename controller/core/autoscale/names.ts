/** The names that a formula finds defined (the contract's section 6). */

/** Metrics by what they are sampled from; those of tasks in slots and $UsableNodeCount are newer ones. */
export const METRICS = [
  '$ActiveTasks',
  '$RunningTasks',
  '$PendingTasks',
  '$SucceededTasks',
  '$FailedTasks',
  '$ActiveTaskSlots',
  '$RunningTaskSlots',
  '$PendingTaskSlots',
  '$SucceededTaskSlots',
  '$FailedTaskSlots',
  '$CurrentDedicatedNodes',
  '$CurrentLowPriorityNodes',
  '$PreemptedNodeCount',
  '$UsableNodeCount',
  '$TaskSlotsPerNode',
  '$SampleNodeCount',
  '$CPUPercent',
  '$WallClockSeconds',
  '$MemoryBytes',
  '$DiskBytes',
  '$DiskReadBytes',
  '$DiskWriteBytes',
  '$DiskReadOps',
  '$DiskWriteOps',
  '$NetworkInBytes',
  '$NetworkOutBytes',
] as const;
export type MetricName = (typeof METRICS)[number];

const METRIC_ALIASES: Readonly<Record<string, MetricName>> = {
  $CurrentDedicated: '$CurrentDedicatedNodes',
  $CurrentLowPriority: '$CurrentLowPriorityNodes',
};
const byName = new Map<string, MetricName>([
  ...METRICS.map((name) => [name, name] as const),
  ...Object.entries(METRIC_ALIASES),
]);

/** The metric that a name means, by its full name or its alias. */
export const metricOf = (name: string): MetricName | undefined => byName.get(name);

/** Variables that a formula writes. Where both are assigned the full name wins over its alias. */
export const DEDICATED = ['$TargetDedicatedNodes', '$TargetDedicated'] as const;
export const LOW_PRIORITY = ['$TargetLowPriorityNodes', '$TargetLowPriority'] as const;
export const DEALLOCATION = '$NodeDeallocationOption';
export const TARGETS: readonly string[] = [...DEDICATED, ...LOW_PRIORITY];

/** Bare words for $NodeDeallocationOption. */
export const DEALLOCATION_WORDS = [
  'requeue',
  'terminate',
  'taskcompletion',
  'retaineddata',
] as const;

const DAY_MS = 86_400_000;
/** Milliseconds of the constants of type timeinterval. */
export const INTERVALS: ReadonlyMap<string, number> = new Map([
  ['TimeInterval_Zero', 0],
  ['TimeInterval_100ns', 0.0001],
  ['TimeInterval_Microsecond', 0.001],
  ['TimeInterval_Millisecond', 1],
  ['TimeInterval_Second', 1_000],
  ['TimeInterval_Minute', 60_000],
  ['TimeInterval_Hour', 3_600_000],
  ['TimeInterval_Day', DAY_MS],
  ['TimeInterval_Week', 7 * DAY_MS],
  ['TimeInterval_Year', 365 * DAY_MS],
]);

type Arity = readonly [fewest: number, most: number];
const LISTS: Arity = [0, Infinity];

/** Functions with the fewest and the most arguments they take. */
export const FUNCTIONS: ReadonlyMap<string, Arity> = new Map<string, Arity>([
  ['avg', LISTS],
  ['len', LISTS],
  ['lg', LISTS],
  ['ln', LISTS],
  ['log', LISTS],
  ['max', LISTS],
  ['min', LISTS],
  ['norm', LISTS],
  ['range', LISTS],
  ['std', LISTS],
  ['sum', LISTS],
  ['vec', LISTS],
  ['ceil', [1, 1]],
  ['floor', [1, 1]],
  ['round', [1, 1]],
  ['trunc', [1, 1]],
  ['percentile', [2, 2]],
  ['val', [2, 2]],
  ['time', [0, 1]],
  ['rand', [0, 0]],
  ['stop', [0, 0]],
]);

/** Methods of metrics, likewise. */
export const METHODS: ReadonlyMap<string, Arity> = new Map<string, Arity>([
  ['GetSample', [1, 3]],
  ['GetSamplePercent', [1, 2]],
  ['GetSamplePeriod', [0, 0]],
  ['Count', [0, 0]],
  ['HistoryBeginTime', [0, 0]],
]);

export const TIMESTAMP_MEMBERS = [
  'year',
  'month',
  'day',
  'weekday',
  'hour',
  'minute',
  'second',
] as const;
export type TimestampMember = (typeof TIMESTAMP_MEMBERS)[number];

/** Why a name can't be assigned; undefined where it can. */
export function whyNotAssignable(name: string): string | undefined {
  if (metricOf(name) !== undefined) return `${name} is read-only`;
  if (INTERVALS.has(name) || (DEALLOCATION_WORDS as readonly string[]).includes(name))
    return `${name} is a constant`;
  return undefined;
}
