import { evaluateFormula, type Evaluation } from '../../controller/core/autoscale/evaluate.js';
import { FormulaError } from '../../controller/core/autoscale/formula-error.js';
import type { MetricName } from '../../controller/core/autoscale/names.js';
import { PoolSamples } from '../../controller/core/autoscale/samples.js';

/** Thursday, 13 October 2016, 19:18:47.805 UTC: the time of the reference's own example. */
export const NOW = Date.UTC(2016, 9, 13, 19, 18, 47, 805);

/** `values` newest last, one each 30 seconds, the newest now. */
export function samplesOf(history: { [Name in MetricName]?: readonly number[] }): PoolSamples {
  const length = Math.max(...Object.values(history).map((values) => values.length));
  const samples = new PoolSamples(NOW - (length - 1) * 30_000);
  for (let age = length - 1; age >= 0; age -= 1)
    samples.put(
      NOW - age * 30_000,
      Object.fromEntries(
        Object.entries(history).flatMap(([name, values]) => {
          const value = values[values.length - 1 - age];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
    );
  return samples;
}

const steady = (value: number, length = 130) => Array.from({ length }, () => value);

/** A pool that has run for an hour with 4 nodes, 8 active and 4 running tasks. */
export const ORDINARY = samplesOf({
  $ActiveTasks: steady(8),
  $RunningTasks: steady(4),
  $PendingTasks: steady(12),
  $SucceededTasks: steady(100),
  $FailedTasks: steady(1),
  $ActiveTaskSlots: steady(16),
  $RunningTaskSlots: steady(8),
  $PendingTaskSlots: steady(24),
  $CurrentDedicatedNodes: steady(4),
  $CurrentLowPriorityNodes: steady(0),
  $PreemptedNodeCount: steady(0),
  $UsableNodeCount: steady(4),
  $TaskSlotsPerNode: steady(2),
  $SampleNodeCount: steady(4),
  $CPUPercent: steady(75),
  $WallClockSeconds: steady(120),
  $MemoryBytes: steady(512),
  $DiskBytes: steady(3),
  $DiskReadBytes: steady(1e6),
  $DiskWriteBytes: steady(2e6),
  $DiskReadOps: steady(10),
  $DiskWriteOps: steady(20),
  $NetworkInBytes: steady(5e5),
  $NetworkOutBytes: steady(6e5),
});

export const evaluate = (formula: string, samples = ORDINARY): Evaluation =>
  evaluateFormula(formula, {
    now: NOW,
    random: () => 0.25,
    samples,
    targetDedicatedNodes: 4,
    targetLowPriorityNodes: 1,
  });

/** The text of one variable in the results. */
export const valueOf = (expression: string, samples = ORDINARY): string =>
  evaluate(`x = ${expression};`, samples).results.split(';x=')[1] ?? '';

/** `Line n, Col n: …` and the kind of what is wrong with a formula. */
export function problemOf(formula: string, samples = ORDINARY): string {
  try {
    evaluate(formula, samples);
  } catch (error) {
    if (error instanceof FormulaError) return `${error.kind}: ${error.inText(formula)}`;
    throw error;
  }
  return 'none';
}
