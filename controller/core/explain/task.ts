import type { Reason } from '../../../protocol/batch/explain.js';
import type { Job } from '../job/state.js';
import type { Pool } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import type { NodeLoad } from '../scheduler/fit.js';
import type { JobWork } from '../scheduler/job-work.js';
import type { PoolWork } from '../scheduler/pool-work.js';
import { jobRefusal, pairRefusal, poolRefusal } from '../scheduler/refusal.js';
import type { State } from '../state.js';
import { slotsOf } from '../task/hold.js';
import { isReady } from '../task/ready.js';
import type { Task } from '../task/state.js';
import { statesOf } from './states.js';

/** Ids that a reason names at most, and tasks that it counts. */
const NAMED_MAXIMUM = 10;
const COUNTED_MAXIMUM = 100_000;

/**
 * Why the task is where it is: what placement would say of it now, the first thing in its way first.
 * `unknown`: ids it waits for that memory has no task of; rows alone tell whether those ever existed.
 */
export function explainTask(
  { state }: Recorder,
  job: Job,
  task: Task,
): { reasons: Reason[]; unknown: string[] } {
  const present = whereItIs(task);
  if (present !== undefined) return { reasons: [present], unknown: [] };
  const reasons: Reason[] = [];
  const work = state.workOfJob(job.key);
  const pool = poolReasons(state, job, task, reasons);
  const unknown = dependencyReasons(state, work, task, reasons);
  const dying = task.subtasks?.filter((one) => one.dying === true).length ?? 0;
  if (dying > 0) reasons.push({ code: 'SubtasksEnding', values: { count: dying } });
  jobReasons(work, reasons);
  if (pool !== undefined && poolRefusal(task, pool) === undefined && isReady(state, work, task))
    placementReasons(state, work, task, pool, reasons);
  if (reasons.length + unknown.length === 0) reasons.push({ code: 'TaskDue', values: {} });
  return { reasons, unknown };
}

/** Of a task that does not wait for a node. */
function whereItIs(task: Task): Reason | undefined {
  const { attempt, nodeId: node = '', stopping, execution } = task;
  if (task.state === 'completed') {
    const failure = execution.failureInfo;
    if (failure?.code === 'TaskQuarantined')
      return { code: 'TaskQuarantined', values: { deaths: task.nodeDeaths ?? 0 } };
    const result = failure === undefined ? 'it succeeded' : `${failure.code}, ${failure.message}`;
    return { code: 'TaskCompleted', values: { result } };
  }
  if (task.phase === undefined) return undefined;
  if (stopping !== undefined)
    return { code: 'TaskStopping', values: { node, attempt, then: stopping.then } };
  if (task.phase === 'running') return { code: 'TaskRunning', values: { node, attempt } };
  if (task.phase === 'preparing') return { code: 'JobPreparationRunning', values: { node } };
  return { code: 'TaskAssigned', values: { node, attempt } };
}

/** What the pool as such has against it; the pool where tasks of the job may run there. */
function poolReasons(state: State, job: Job, task: Task, reasons: Reason[]): Pool | undefined {
  if (job.pool === undefined) {
    const error = job.schedulingError?.message ?? 'it has not been made';
    reasons.push({ code: 'JobWithoutPool', values: { error } });
    return undefined;
  }
  const pool = state.pools.get(job.pool);
  const id = pool?.id ?? job.specification.poolInfo.poolId ?? job.autoPoolId ?? job.pool;
  if (pool?.state !== 'active') {
    const code = pool === undefined ? 'PoolNotFound' : 'PoolDeleting';
    reasons.push({ code, values: { pool: id } });
    return undefined;
  }
  const refusal = poolRefusal(task, pool);
  const { taskSlotsPerNode: slots, enableInterNodeCommunication } = pool.specification;
  const communication = String(enableInterNodeCommunication);
  if (refusal !== undefined)
    reasons.push({
      code: refusal,
      values:
        refusal === 'NeverFits'
          ? { needed: task.requiredSlots, slots, pool: id }
          : { communication, slots, pool: id },
    });
  return pool;
}

function dependencyReasons(state: State, work: JobWork, task: Task, reasons: Reason[]): string[] {
  if (!work.dependencies.isBlocked(task)) return [];
  const { ids, count, ranges } = work.dependencies.missingOf(task, NAMED_MAXIMUM);
  const isKnown = (id: string) => state.hasTask(`${task.job}/${id}` as Task['key']);
  const known = ids.filter(isKnown);
  if (known.length > 0)
    reasons.push({ code: 'DependencyWaiting', values: { count, tasks: known.join(', ') } });
  for (const { start, end, missing, first } of ranges)
    reasons.push({
      code: 'DependencyRangeWaiting',
      values: { range: `${start} to ${end}`, missing, first },
    });
  return ids.filter((id) => !isKnown(id));
}

function jobReasons(work: JobWork, reasons: Reason[]): void {
  const refusal = jobRefusal(work);
  if (refusal === undefined) return;
  const { state, specification } = work.job;
  reasons.push({
    code: refusal,
    values:
      refusal === 'JobParallelTasksReached'
        ? { running: work.inFlight.size, limit: specification.maxParallelTasks }
        : { state },
  });
}

/** It is ready and fits: what of nodes and other tasks is in its way. */
function placementReasons(
  state: State,
  work: JobWork,
  task: Task,
  pool: Pool,
  reasons: Reason[],
): void {
  const poolWork = state.workOfPool(pool.key);
  if (poolWork.listed === 0) {
    const nodes = [...(state.nodesOfPool.get(pool.key) ?? [])];
    const values = { nodes: nodes.length, pool: pool.id, states: statesOf(nodes) };
    reasons.push({ code: 'NoNodeReady', values });
    return;
  }
  if (task.instances !== undefined) groupReason(state, work, task, poolWork, reasons);
  else nodeReasons(state, work, task, pool, poolWork, reasons);
  orderReasons(state, work, task, poolWork, reasons);
}

/** What the nodes that take tasks have against it. */
function look(state: State, work: JobWork, task: Task, loads: readonly NodeLoad[]) {
  const refused = { lowPriority: 0, preparation: 0 };
  const suitable = loads.filter((load) => {
    const refusal = pairRefusal(state, work.job, task, load.node, false);
    if (refusal !== undefined) refused[refusal] += 1;
    return refusal === undefined;
  });
  const values = { lowPriority: refused.lowPriority, refused: refused.preparation };
  return { suitable, values };
}

function groupReason(
  state: State,
  work: JobWork,
  task: Task,
  poolWork: PoolWork,
  reasons: Reason[],
): void {
  const ready = poolWork.listed;
  const needed = task.instances ?? 1;
  const { suitable, values } = look(state, work, task, [...poolWork.nodes()]);
  const empty = suitable.filter(({ used }) => used === 0);
  const kept = empty.filter((load) => poolWork.reserved.has(load)).length;
  if (needed > ready)
    reasons.push({ code: 'TooFewNodes', values: { needed, ready, pool: poolWork.key } });
  else if (needed > suitable.length)
    reasons.push({
      code: 'TooFewSuitableNodes',
      values: { needed, suitable: suitable.length, ready, ...values },
    });
  else if (needed > empty.length)
    reasons.push({ code: 'NodesBusy', values: { needed, empty: empty.length, ready } });
  else if (kept > 0) reasons.push({ code: 'SlotsKept', values: { nodes: kept } });
}

function nodeReasons(
  state: State,
  work: JobWork,
  task: Task,
  pool: Pool,
  poolWork: PoolWork,
  reasons: Reason[],
): void {
  const slots = pool.specification.taskSlotsPerNode;
  const needed = slotsOf(task, slots);
  const loads = [...poolWork.nodes()];
  const ready = loads.length;
  const { suitable, values } = look(state, work, task, loads);
  const kept = suitable.filter((load) => poolWork.reserved.has(load)).length;
  const fits = suitable.some((load) => !poolWork.reserved.has(load) && load.used + needed <= slots);
  if (fits) return;
  const used = loads.reduce((sum, load) => sum + Math.min(load.used, slots), 0);
  if (suitable.length === 0) reasons.push({ code: 'NoSuitableNode', values: { ready, ...values } });
  else reasons.push({ code: 'NoFreeSlot', values: { needed, used, total: slots * ready, ready } });
  if (kept > 0) reasons.push({ code: 'SlotsKept', values: { nodes: kept } });
}

/** Who comes before it. */
function orderReasons(
  state: State,
  work: JobWork,
  task: Task,
  poolWork: PoolWork,
  reasons: Reason[],
): void {
  const { priority } = work.job.specification;
  let [jobs, tasks] = [0, 0];
  for (const other of poolWork.order.above(priority)) {
    const count = other.ready.count((one) => isReady(state, other, one), COUNTED_MAXIMUM - tasks);
    if (count > 0) jobs += 1;
    tasks += count;
  }
  if (tasks > 0) reasons.push({ code: 'LowerPriority', values: { tasks, jobs, priority } });
  const before = work.ready.count((one) => isReady(state, work, one), COUNTED_MAXIMUM, task);
  if (before > 0) reasons.push({ code: 'BehindInJob', values: { tasks: before } });
}
