import type { PoolKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import { hold, slotsOf } from '../task/hold.js';
import { isReady } from '../task/ready.js';
import type { Task } from '../task/state.js';
import type { Node } from '../node/state.js';
import { prefetchOf, type NodeLoad } from './fit.js';
import type { JobWork } from './job-work.js';
import type { PoolWork } from './pool-work.js';

/**
 * One pass over a pool: gives ready tasks to nodes until nothing more fits. It costs in proportion to
 * what it places:
 *   - jobs come in the order of `job-order.ts`, tasks of a job first in, first out;
 *   - nodes are listed by used slots: spread takes the emptiest, pack the fullest that fits;
 *   - a task that needs more slots than any node has free keeps the emptiest node for itself until the
 *     next pass, so that smaller tasks behind it do not starve it;
 *   - where no slot is free, jobs whose tasks are short give nodes some attempts in advance
 *     (`prefetchOf`), so that an agent never waits for the next commit.
 */
const TURNED_DOWN_MAXIMUM = 256;

export function schedulePool(recorder: Recorder, key: PoolKey): void {
  const { state } = recorder;
  const pool = state.pools.get(key);
  const work = state.poolWork.get(key);
  if (pool?.state !== 'active' || work === undefined || work.listed === 0) return;
  work.reserved = undefined;
  const slots = pool.specification.taskSlotsPerNode;
  const pack = pool.specification.taskSchedulingPolicy.nodeFillType === 'pack';
  let turnedDown = 0;
  work.order.pass((jobWork) => {
    const task = nextTask(recorder, jobWork, slots);
    if (task === undefined) return 'nothing';
    const load = findNode(work, task, slots, prefetchOf(jobWork.averageRunMs), pack);
    if (load === undefined) {
      turnedDown += 1;
      if (turnedDown > TURNED_DOWN_MAXIMUM) return 'full';
      if (slotsOf(task, slots) > 1) work.reserved ??= emptiest(work, slots);
      return 'later';
    }
    jobWork.ready.pop();
    assignTask(recorder, load.node, task);
    return 'placed';
  });
}

/** The job's next task that may run and can ever fit. */
function nextTask(recorder: Recorder, work: JobWork, slots: number): Task | undefined {
  const { job } = work;
  if (job.state !== 'active') return undefined;
  const limit = job.specification.maxParallelTasks;
  if (limit > 0 && work.inFlight.size >= limit) return undefined;
  return work.ready.peek(
    (task) => isReady(recorder.state, work, task) && task.requiredSlots <= slots,
  );
}

function findNode(
  work: PoolWork,
  task: Task,
  slots: number,
  extra: number,
  pack: boolean,
): NodeLoad | undefined {
  const most = slots - slotsOf(task, slots);
  for (let step = 0; step <= most; step += 1) {
    const load = first(work, pack ? most - step : step);
    if (load !== undefined) return load;
  }
  if (task.runExclusive) return undefined;
  for (let used = most + 1; used <= most + extra; used += 1) {
    const load = first(work, used, (one) => one.long < slots);
    if (load !== undefined) return load;
  }
  return undefined;
}

function first(
  work: PoolWork,
  used: number,
  suits: (load: NodeLoad) => boolean = () => true,
): NodeLoad | undefined {
  const loads = work.byUsed[used];
  if (loads === undefined || loads.size === 0) return undefined;
  for (const load of loads) if (load !== work.reserved && suits(load)) return load;
  return undefined;
}

function emptiest(work: PoolWork, slots: number): NodeLoad | undefined {
  for (let used = 0; used < slots; used += 1) {
    const load = first(work, used);
    if (load !== undefined) return load;
  }
  return undefined;
}

/** Gives the task's next attempt to the node; the attempt's number is durable before it is sent. */
function assignTask(recorder: Recorder, node: Node, task: Task): void {
  const { state } = recorder;
  task.attempt += 1;
  task.phase = 'assigned';
  task.node = node.key;
  task.nodeId = node.id;
  const poolId = state.pools.get(node.pool)?.id;
  if (poolId !== undefined) task.poolId = poolId;
  state.workOfJob(task.job).dependencies.remove(task);
  hold(state, node, task);
  recorder.changed('task', task);
  recorder.assign(node, task);
}
