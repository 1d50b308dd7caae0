import { nodeKey, type PoolKey } from '../../../protocol/keys.js';
import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import { slotsOf } from '../task/hold.js';
import { assignGroup, assignTask } from '../task/group.js';
import { isReady, makeReady } from '../task/ready.js';
import { jobOfTask } from '../task/transition.js';
import type { State } from '../state.js';
import type { Task } from '../task/state.js';
import type { Pool } from '../pool/state.js';
import { prefetchOfEach, type NodeLoad } from './fit.js';
import type { JobWork } from './job-work.js';
import type { PoolWork } from './pool-work.js';
import { preempt, preemptGroup } from './preempt.js';
import { jobRefusal, pairRefusal, poolRefusal } from './refusal.js';

/**
 * One pass over a pool: gives ready tasks to nodes until nothing more fits. It costs in proportion to
 * what it places:
 *   - jobs come in the order of `job-order.ts`, tasks of a job first in, first out;
 *   - nodes are listed by used slots: spread takes the emptiest, pack the fullest that fits;
 *   - a task that needs more slots than any node has free keeps the emptiest node for itself until the
 *     next pass, so that smaller tasks behind it do not starve it;
 *   - a multi-instance task takes all its nodes, each empty, in one step; while too few are empty, those
 *     that are (and the least busy beside them) are kept for it;
 *   - a task that is tried again goes to another node than last time where one has room;
 *   - where no slot is free, jobs that allow it give way to those of higher priority (`preempt.ts`), and
 *     jobs whose tasks are short give nodes some attempts in advance
 *     (`prefetchOfEach`), so that an agent never waits for the next commit.
 */
const TURNED_DOWN_MAXIMUM = 256;

export function schedulePool(recorder: Recorder, key: PoolKey): void {
  const { state } = recorder;
  const pool = state.pools.get(key);
  const work = state.poolWork.get(key);
  if (pool?.state !== 'active' || work === undefined || work.listed === 0) return;
  work.reserved.clear();
  offerAgain(recorder, work);
  const slots = pool.specification.taskSlotsPerNode;
  const pack = pool.specification.taskSchedulingPolicy.nodeFillType === 'pack';
  let turnedDown = 0;
  work.order.pass((jobWork) => {
    const task = nextTask(recorder, jobWork, pool, work);
    if (task === undefined) return 'nothing';
    if (task.instances !== undefined) {
      const answer = placeGroup(recorder, work, task, task.instances);
      if (answer === 'kept') return ++turnedDown > TURNED_DOWN_MAXIMUM ? 'full' : 'later';
      jobWork.ready.pop();
      if (answer === 'tooFew') work.waitForNodes.add(task);
      return 'placed';
    }
    const suits = suitsTask(state, jobWork.job, task);
    const load =
      nearTo(state, work, task, slots, suits) ??
      findOther(work, task, slots, pack, suits) ??
      findNode(work, task, slots, prefetchOfEach(jobWork.averageRunMs, work.listed), pack, suits);
    if (load === undefined) {
      turnedDown += 1;
      if (turnedDown > TURNED_DOWN_MAXIMUM) return 'full';
      const emptied = preempt(recorder, pool, work, jobWork, task);
      const kept = emptied ?? (slotsOf(task, slots) > 1 ? emptiest(work, slots, suits) : undefined);
      if (kept !== undefined && work.reserved.size === 0) work.reserved.add(kept);
      return 'later';
    }
    jobWork.ready.pop();
    assignTask(recorder, load.node, task);
    return 'placed';
  });
}

/** The job's next task that may run and can ever fit. */
function nextTask(
  recorder: Recorder,
  work: JobWork,
  pool: Pool,
  poolWork: PoolWork,
): Task | undefined {
  if (jobRefusal(work) !== undefined) return undefined;
  return work.ready.peek(
    (task) => {
      if (!isReady(recorder.state, work, task) || poolRefusal(task, pool) !== undefined)
        return false;
      if (task.instances === undefined || task.instances <= poolWork.listed) return true;
      poolWork.waitForNodes.add(task);
      return false;
    },
    (mould) => poolRefusal(mould, pool) === undefined,
  );
}

/** Multi-instance tasks that found too few nodes do not hold up their job; now there may be enough. */
function offerAgain({ state }: Recorder, work: PoolWork): void {
  for (const task of work.waitForNodes) {
    const jobWork = state.jobWork.get(task.job);
    const waits = jobWork !== undefined && isReady(state, jobWork, task);
    if (waits && (task.instances ?? 0) > work.listed) continue;
    work.waitForNodes.delete(task);
    if (waits && jobWork.job.pool === work.key) makeReady(state, task);
  }
}

/** All nodes at once or none; those it would take next are kept for it until the next pass. */
function placeGroup(
  recorder: Recorder,
  work: PoolWork,
  task: Task,
  instances: number,
): 'placed' | 'kept' | 'tooFew' {
  const suits = suitsTask(recorder.state, jobOfTask(recorder.state, task.key), task);
  const nearest: NodeLoad[] = [];
  for (const load of work.nodes()) {
    if (nearest.length === instances) break;
    if (!work.reserved.has(load) && suits(load, false)) nearest.push(load);
  }
  if (nearest.length === instances && nearest.every((load) => load.used === 0)) {
    assignGroup(
      recorder,
      nearest.map(({ node }) => node),
      task,
    );
    return 'placed';
  }
  // Others may never suit it (a preparation failed there): nothing is kept in vain.
  if (nearest.length < instances) return 'tooFew';
  for (const load of nearest) work.reserved.add(load);
  const busy = nearest.filter((load) => load.used > 0).length;
  preemptGroup(recorder, work, recorder.state.workOfJob(task.job), task, busy);
  return 'kept';
}

/** False for nodes that the task may not have; `ahead`: it would wait there for a slot. */
type Suits = (load: NodeLoad, ahead: boolean) => boolean;

const anyNode: Suits = () => true;

function suitsTask(state: State, job: Job, task: Task): Suits {
  if (job.specification.jobPreparationTask === undefined && task.dedicatedOnly !== true)
    return anyNode;
  return ({ node }, ahead) => pairRefusal(state, job, task, node, ahead) === undefined;
}

/** The node that the task would like best, if it has room: a hint, no more. */
function nearTo(
  state: State,
  work: PoolWork,
  task: Task,
  slots: number,
  suits: Suits,
): NodeLoad | undefined {
  if (task.affinityNode === undefined) return undefined;
  const load = state.loads.get(nodeKey(work.key, task.affinityNode));
  if (load?.list === undefined || work.reserved.has(load) || !suits(load, false)) return undefined;
  if (load.node.key === task.lastNode) return undefined;
  return load.used + slotsOf(task, slots) <= slots ? load : undefined;
}

/** For a task that is tried again: a node that it was not on last, if one has room now. */
function findOther(
  work: PoolWork,
  task: Task,
  slots: number,
  pack: boolean,
  suits: Suits,
): NodeLoad | undefined {
  const { lastNode } = task;
  if (lastNode === undefined) return undefined;
  const isOther: Suits = (load, ahead) => load.node.key !== lastNode && suits(load, ahead);
  return findNode(work, task, slots, 0, pack, isOther);
}

function findNode(
  work: PoolWork,
  task: Task,
  slots: number,
  extra: number,
  pack: boolean,
  suits: Suits,
): NodeLoad | undefined {
  const most = slots - slotsOf(task, slots);
  for (let step = 0; step <= most; step += 1) {
    const load = first(work, pack ? most - step : step, suits);
    if (load !== undefined) return load;
  }
  if (task.runExclusive) return undefined;
  for (let used = most + 1; used <= most + extra; used += 1) {
    const load = first(work, used, suits, true);
    if (load !== undefined) return load;
  }
  return undefined;
}

function first(work: PoolWork, used: number, suits: Suits, ahead = false): NodeLoad | undefined {
  return work.byUsed[used]?.find((load) => !work.reserved.has(load) && suits(load, ahead));
}

function emptiest(work: PoolWork, slots: number, suits: Suits): NodeLoad | undefined {
  for (let used = 0; used < slots; used += 1) {
    const load = first(work, used, suits);
    if (load !== undefined) return load;
  }
  return undefined;
}
