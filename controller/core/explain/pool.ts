import type { Reason } from '../../../protocol/batch/explain.js';
import { formatDuration, formatTime } from '../../../protocol/time.js';
import { autoScaleDeadline } from '../pool/autoscale.js';
import type { Node } from '../node/state.js';
import type { Pool } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import { nodeRefusal, poolRefusal } from '../scheduler/refusal.js';
import type { Mould } from '../scheduler/mould.js';
import type { State } from '../state.js';

/** Tasks that are looked at for those that never fit. */
const TASKS_MAXIMUM = 100_000;

/** Why the pool has the nodes it has, and why those that take no tasks take none. */
export function explainPool({ state }: Recorder, pool: Pool): Reason[] {
  const nodes = [...(state.nodesOfPool.get(pool.key) ?? [])];
  if (pool.state === 'deleting')
    return [{ code: 'PoolBeingDeleted', values: { nodes: nodes.length } }];
  const reasons = [
    ...sizeReasons(pool, nodes),
    ...pool.resizeErrors.map(resizeReason),
    ...autoScaleReasons(pool),
    ...nodeReasons(nodes),
    ...neverFitting(state, pool),
  ];
  const ready = nodes.filter((node) => nodeRefusal(node) === undefined).length;
  if (reasons.length > 0) return reasons;
  return [{ code: 'PoolReady', values: { target: targetOf(pool), ready } }];
}

const targetOf = (pool: Pool) => pool.targetDedicatedNodes + pool.targetLowPriorityNodes;

function sizeReasons(pool: Pool, nodes: readonly Node[]): Reason[] {
  const reasons: Reason[] = [];
  const target = targetOf(pool);
  const leaving = nodes.filter((node) => node.leaving !== undefined).length;
  const made = nodes.filter((node) => node.leaving === undefined && node.state !== 'creating');
  const present = made.length;
  if (target === 0 && nodes.length === 0) reasons.push({ code: 'PoolEmpty', values: {} });
  else if (present < target)
    reasons.push(
      pool.allocationState === 'steady'
        ? { code: 'PoolShort', values: { present, target } }
        : {
            code: 'PoolResizing',
            values: {
              present,
              target,
              missing: target - present,
              since: formatTime(pool.resize.startTime),
              timeout: formatDuration(pool.resize.timeoutMs),
            },
          },
    );
  const option = pool.resize.nodeDeallocationOption;
  if (leaving > 0) reasons.push({ code: 'PoolShrinking', values: { leaving, option } });
  return reasons;
}

const resizeReason = ({ code, message }: Pool['resizeErrors'][number]): Reason => ({
  code: code.endsWith('QuotaReached') ? 'QuotaReached' : 'ResizeFailed',
  values: { code, message },
});

function autoScaleReasons(pool: Pool): Reason[] {
  const next = autoScaleDeadline(pool);
  if (!pool.specification.enableAutoScale || next === Infinity) return [];
  const run = pool.autoScale?.run;
  const times = { next: formatTime(next) };
  if (run === undefined) return [{ code: 'AutoScalePending', values: times }];
  const at = formatTime(run.timestamp);
  if (run.error !== undefined) {
    const message = run.error.values[0]?.value ?? run.error.message;
    return [{ code: 'AutoScaleFailed', values: { ...times, at, message } }];
  }
  const { targetDedicatedNodes: dedicated, targetLowPriorityNodes: lowPriority } = pool;
  return [{ code: 'AutoScaleDecided', values: { ...times, at, dedicated, lowPriority } }];
}

/** Nodes that take no tasks, by state. */
function nodeReasons(nodes: readonly Node[]): Reason[] {
  const states = new Map<string, Node[]>();
  for (const node of nodes) {
    const refusal = nodeRefusal(node);
    if (refusal === undefined || node.leaving !== undefined || node.state === 'creating') continue;
    const name = refusal === 'NodeSchedulingDisabled' ? refusal : node.state;
    states.set(name, [...(states.get(name) ?? []), node]);
  }
  return [...states].map(([state, those]): Reason => {
    const values = { count: those.length, example: those[0]?.id ?? '' };
    return state === 'NodeSchedulingDisabled'
      ? { code: 'SchedulingDisabled', values }
      : { code: 'NodesNotReady', values: { ...values, state } };
  });
}

/** Waiting tasks of its jobs that this pool can never run. */
function neverFitting(state: State, pool: Pool): Reason[] {
  let [count, looked] = [0, 0];
  let example: string | undefined;
  for (const job of state.jobs.values()) {
    if (job.pool !== pool.key || job.state !== 'active' || looked >= TASKS_MAXIMUM) continue;
    // Tasks of one slot that are no groups always fit.
    const { hasInstances, tasks, shelf } = state.workOfJob(job.key);
    if (!hasInstances && job.taskCounts.active === job.taskSlotCounts.active) continue;
    // Packed tasks are counted by what they have in common.
    const refused = new Set<Mould>();
    for (const one of shelf.moulds) {
      if (poolRefusal(one.mould, pool) === undefined) continue;
      refused.add(one.mould);
      count += one.count;
    }
    if (refused.size > 0 && example === undefined)
      for (const { id, mould } of shelf) {
        if (!refused.has(mould)) continue;
        example = `${job.id}/${id}`;
        break;
      }
    for (const task of tasks) {
      if ((looked += 1) > TASKS_MAXIMUM) break;
      if (task.state !== 'active' || poolRefusal(task, pool) === undefined) continue;
      count += 1;
      example ??= `${job.id}/${task.id}`;
    }
  }
  return example === undefined ? [] : [{ code: 'NeverFittingTasks', values: { count, example } }];
}
