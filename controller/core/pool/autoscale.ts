import { LIMITS } from '../../../protocol/batch/limits.js';
import { durationMs } from '../../../protocol/time.js';
import { evaluateFormula, resultsOf, type Evaluation } from '../autoscale/evaluate.js';
import { FormulaError } from '../autoscale/formula-error.js';
import { samplePool } from '../autoscale/sampler.js';
import type { Recorder } from '../recorder.js';
import type { AutoScaleRun, Pool } from './state.js';
import { beginResize } from './transition.js';

/** Automatic scaling has no resize timeout of its own: the service's default counts. */
const RESIZE_TIMEOUT_MS = 15 * 60_000;

/** When time makes the pool look at its formula; Infinity while it must not. */
export const autoScaleDeadline = (pool: Pool): number =>
  pool.specification.enableAutoScale && pool.state === 'active'
    ? (pool.autoScale?.evaluateAt ?? Infinity)
    : Infinity;

/** Evaluates a formula against the pool as it is; changes nothing. */
export function tryFormula(
  recorder: Recorder,
  pool: Pool,
  formula: string,
): { run: AutoScaleRun; evaluation?: Evaluation } {
  const { targetDedicatedNodes, targetLowPriorityNodes } = pool;
  const timestamp = recorder.now;
  try {
    const evaluation = evaluateFormula(formula, {
      now: recorder.now,
      random: () => recorder.random.next(),
      samples: samplePool(recorder, pool),
      targetDedicatedNodes,
      targetLowPriorityNodes,
    });
    return { run: { timestamp, results: evaluation.results }, evaluation };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    const results = resultsOf({
      targetDedicatedNodes,
      targetLowPriorityNodes,
      nodeDeallocationOption: 'requeue',
    });
    return { run: { timestamp, results, error: errorOf(error, formula) } };
  }
}

const errorOf = (error: FormulaError, formula: string): NonNullable<AutoScaleRun['error']> => ({
  ...(error.kind === 'samples'
    ? {
        code: 'InsufficientSampleData',
        message: 'Autoscale evaluation failed due to insufficient sample data',
      }
    : {
        code: 'AutoScalingFormulaEvaluationError',
        message: 'The autoscale formula could not be evaluated',
      }),
  values: [{ name: 'Message', value: error.inText(formula) }],
});

/**
 * Evaluates the pool's formula now and sets its next time. Its result becomes the targets, and begins a
 * resize where nodes are missing or too many; a formula that fails leaves all as it is.
 */
export function evaluatePool(recorder: Recorder, pool: Pool): void {
  const { autoScaleFormula } = pool.specification;
  if (autoScaleFormula === undefined) return;
  const { run, evaluation } = tryFormula(recorder, pool, autoScaleFormula);
  pool.autoScale = { ...pool.autoScale, run, evaluateAt: nextEvaluation(recorder, pool) };
  recorder.changed('pool', pool);
  recorder.state.toSettle.pools.add(pool.key);
  if (evaluation === undefined) return;
  const { targetDedicatedNodes, targetLowPriorityNodes, nodeDeallocationOption } = evaluation;
  const changes =
    targetDedicatedNodes !== pool.targetDedicatedNodes ||
    targetLowPriorityNodes !== pool.targetLowPriorityNodes;
  pool.targetDedicatedNodes = targetDedicatedNodes;
  pool.targetLowPriorityNodes = targetLowPriorityNodes;
  if (changes) recorder.touched('pool', pool);
  // Nodes that an earlier resize could not make or remove are tried again, whatever its errors were.
  if (changes || !hasItsNodes(recorder, pool))
    beginResize(recorder, pool, RESIZE_TIMEOUT_MS, nodeDeallocationOption);
}

/** Evaluations keep to their schedule; those that were missed are not made up for. */
function nextEvaluation({ now }: Recorder, pool: Pool): number {
  const interval = durationMs(pool.specification.autoScaleEvaluationInterval ?? 'PT15M');
  const due = pool.autoScale?.evaluateAt ?? now;
  return due > now ? due : due + (Math.floor((now - due) / interval) + 1) * interval;
}

function hasItsNodes({ state }: Recorder, pool: Pool): boolean {
  let dedicated = 0;
  let lowPriority = 0;
  for (const node of state.nodesOfPool.get(pool.key) ?? []) {
    if (node.leaving !== undefined) continue;
    if (node.isDedicated) dedicated += 1;
    else lowPriority += 1;
  }
  return dedicated === pool.targetDedicatedNodes && lowPriority === pool.targetLowPriorityNodes;
}

/**
 * Tasks of the pool's jobs have come, begun or ended: a pool with autoScaleOnQueueChange evaluates its
 * formula now, or as soon as the last evaluation is long enough ago.
 */
export function evaluateOnQueueChange(recorder: Recorder): void {
  const { state, now } = recorder;
  for (const key of state.queueChanged) {
    const pool = state.pools.get(key);
    if (pool?.specification.autoScaleOnQueueChange !== true) continue;
    const { evaluateAt = Infinity, run } = pool.autoScale ?? {};
    if (autoScaleDeadline(pool) === Infinity) continue;
    const soon = Math.max(now, (run?.timestamp ?? -Infinity) + LIMITS.autoScaleIntervalFloorMs);
    if (soon >= evaluateAt) continue;
    pool.autoScale = { ...pool.autoScale, evaluateAt: soon };
    recorder.changed('pool', pool);
    state.toSettle.pools.add(key);
  }
  state.queueChanged.clear();
}
