import type { Recorder } from '../recorder.js';
import type { Pool } from '../pool/state.js';
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
 * (allowTaskPreemption); for a job manager that lost its node, also tasks of its own job. What was
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
  let wanted = work.ready.count((one) => isReady(recorder.state, work, one), most);
  for (const { task: victim, slots: freed } of victims)
    if (victim.stopping !== undefined) wanted -= freed;
  for (const { task: victim, slots: freed } of victims) {
    if (wanted <= 0) break;
    if (victim.stopping !== undefined) continue;
    stopAttempt(recorder, victim, 'requeue');
    wanted -= freed;
  }
  return undefined;
}

interface Victim {
  task: Task;
  load: NodeLoad;
  slots: number;
}

/** Those of the lowest priority first, and of these what came last. */
function victimsOf({ state }: Recorder, poolWork: PoolWork, work: JobWork, task: Task): Victim[] {
  const { job } = work;
  const below = [...state.preemptibleJobs].flatMap((key) => {
    const other = state.jobWork.get(key);
    const isBelow = other !== undefined && priorityOf(other) < priorityOf(work);
    return isBelow && other.job.pool === poolWork.key ? [other] : [];
  });
  below.sort((a, b) => priorityOf(a) - priorityOf(b));
  const isRestarted = task.isJobManager && task.attempt > 0;
  return [...below, ...(isRestarted ? [work] : [])].flatMap((other) =>
    [...other.inFlight].reverse().flatMap((victim) => {
      const load = victim.node === undefined ? undefined : state.loads.get(victim.node);
      const held = load?.attempts.get(victim);
      const isOurs = load?.list !== undefined && held !== undefined && victim !== task;
      if (!isOurs || victim.instances !== undefined || victim.stopping?.then === 'terminate')
        return [];
      return pairRefusal(state, job, task, load.node, false) === undefined
        ? [{ task: victim, load, slots: held.slots }]
        : [];
    }),
  );
}

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
