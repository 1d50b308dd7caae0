import type { Recorder } from '../recorder.js';
import type { Pool } from '../pool/state.js';
import type { State } from '../state.js';
import { isReady } from '../task/ready.js';
import { slotsOf } from '../task/hold.js';
import type { Task } from '../task/state.js';
import { stopAttempt } from '../task/stop.js';
import type { NodeLoad } from './fit.js';
import type { JobWork } from './job-work.js';
import type { PoolWork } from './pool-work.js';
import { pairRefusal } from './refusal.js';

/**
 * Makes room by requeueing what runs: for a job of higher priority, tasks of jobs that allow it
 * (allowTaskPreemption), a multi-instance task as a whole; for a job manager that lost its node, also tasks of its own job. What was
 * requeued last begins last again. Room that is on its way counts, so nothing is requeued in vain.
 * Returns the node that a task of more than one slot must be given, to be kept free until then.
 */
export function preempt(
  recorder: Recorder,
  pool: Pool,
  poolWork: PoolWork,
  work: JobWork,
  task: Task,
): NodeLoad | undefined {
  const victims = victimsOf(recorder, poolWork, work, task);
  if (victims.length === 0) return undefined;
  const slots = pool.specification.taskSlotsPerNode;
  const needed = slotsOf(task, slots);
  if (needed > 1) return emptyOne(recorder, victims, needed, slots);
  const limit = work.job.specification.maxParallelTasks;
  const most = limit > 0 ? Math.min(limit - work.inFlight.size, victims.length) : victims.length;
  const wanted = work.ready.count((one) => isReady(recorder.state, work, one), most);
  requeue(recorder, victims, wanted - onTheWay(recorder.state, poolWork, work, victims));
  return undefined;
}

/**
 * The same for a multi-instance task, which needs so many nodes beyond those that are empty: nothing is
 * requeued while that would not make them all. Its pools have one slot a node.
 */
export function preemptGroup(
  recorder: Recorder,
  poolWork: PoolWork,
  work: JobWork,
  task: Task,
  nodes: number,
): void {
  const victims = victimsOf(recorder, poolWork, work, task);
  const wanted = nodes - onTheWay(recorder.state, poolWork, work, victims);
  const most = victims.reduce((sum, one) => sum + (isGoing(one) ? 0 : one.slots), 0);
  if (wanted <= most) requeue(recorder, victims, wanted);
}

/** Until so many slots are on their way; what a wider one made needless after all goes on. */
function requeue(recorder: Recorder, victims: readonly Victim[], slots: number): void {
  let spare = -slots;
  const chosen: Victim[] = [];
  for (const victim of victims) {
    if (spare >= 0) break;
    if (isGoing(victim)) continue;
    chosen.push(victim);
    spare += victim.slots;
  }
  for (const victim of chosen)
    if (victim.slots <= spare) spare -= victim.slots;
    else stopAttempt(recorder, victim.task, 'requeue');
}

const isGoing = ({ task }: Victim) => task.stopping !== undefined;

/** Slots that become free by themselves: of what was told to end, and of what dies still. */
const onTheWay = (state: State, poolWork: PoolWork, work: JobWork, victims: readonly Victim[]) =>
  victims.filter(isGoing).reduce((sum, { slots }) => sum + slots, 0) +
  jobsBelow(state, poolWork, work).reduce((sum, { ghosts }) => sum + ghosts, 0);

interface Victim {
  task: Task;
  load: NodeLoad;
  /** That become free with it, on all its nodes. */
  slots: number;
}

/** Jobs of the pool that let those of higher priority have their place. */
const jobsBelow = (state: State, poolWork: PoolWork, work: JobWork): JobWork[] =>
  [...state.preemptibleJobs].flatMap((key) => {
    const other = state.jobWork.get(key);
    const isBelow = other !== undefined && priorityOf(other) < priorityOf(work);
    return isBelow && other.job.pool === poolWork.key ? [other] : [];
  });

/** Those of the lowest priority first, and of these what came last. */
function victimsOf({ state }: Recorder, poolWork: PoolWork, work: JobWork, task: Task): Victim[] {
  const { job } = work;
  const below = jobsBelow(state, poolWork, work).sort((a, b) => priorityOf(a) - priorityOf(b));
  const isRestarted = task.isJobManager && task.attempt > 0;
  return [...below, ...(isRestarted ? [work] : [])].flatMap((other) =>
    [...other.inFlight].reverse().flatMap((victim) => {
      const load = victim.node === undefined ? undefined : state.loads.get(victim.node);
      const held = load?.attempts.get(victim);
      const isOurs = load?.list !== undefined && held !== undefined && victim !== task;
      if (!isOurs || victim.stopping?.then === 'terminate') return [];
      return pairRefusal(state, job, task, load.node, false) === undefined
        ? [{ task: victim, load, slots: held.slots + partsOf(state, victim) }]
        : [];
    }),
  );
}

/** Nodes beside the primary's that become free with a multi-instance task. */
const partsOf = (state: State, { subtasks = [] }: Task): number =>
  subtasks.filter(
    ({ phase, node }) => phase !== undefined && state.loads.get(node)?.list !== undefined,
  ).length;

const priorityOf = ({ job }: JobWork) => job.specification.priority;

/** The node where the fewest must go; one that is being emptied already comes first. */
function emptyOne(
  recorder: Recorder,
  victims: readonly Victim[],
  needed: number,
  slots: number,
): NodeLoad | undefined {
  const nodes = new Map<NodeLoad, Victim[]>();
  for (const victim of victims) {
    const list = nodes.get(victim.load);
    if (list === undefined) nodes.set(victim.load, [victim]);
    else list.push(victim);
  }
  let best: { load: NodeLoad; victims: Victim[] } | undefined;
  for (const [load, all] of nodes) {
    const going = all.filter(({ task }) => task.stopping !== undefined);
    let free = slots - load.used + going.reduce((sum, one) => sum + one.slots, 0);
    const chosen: Victim[] = [];
    for (const victim of all) {
      if (free >= needed) break;
      if (victim.task.stopping !== undefined) continue;
      chosen.push(victim);
      free += victim.slots;
    }
    if (free >= needed && (best === undefined || chosen.length < best.victims.length))
      best = { load, victims: chosen };
  }
  for (const { task } of best?.victims ?? []) stopAttempt(recorder, task, 'requeue');
  return best?.load;
}
