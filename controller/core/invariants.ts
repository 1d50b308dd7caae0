import { taskKey } from '../../protocol/keys.js';
import { runUnderWay } from './job-node/state.js';
import type { Job, TaskCounts } from './job/state.js';
import type { Node } from './node/state.js';
import { PREFETCH_MAXIMUM } from './scheduler/fit.js';
import type { State } from './state.js';
import { unmadeOf } from './task-factory/unfold.js';
import { slotsOf, takesTasks } from './task/hold.js';

/**
 * What must hold after every tick, as sentences about what does not. Looks at everything: for tests
 * and the simulator. Completed tasks are not in memory, so only the rest is counted again.
 */
export function* invariants(state: State): Generator<string> {
  for (const job of state.jobs.values()) yield* jobInvariants(state, job);
  for (const node of state.nodes.values()) yield* nodeInvariants(state, node);
  yield* taskInvariants(state);
  for (const pool of state.pools.values())
    if (pool.targetDedicatedNodes < 0 || pool.targetLowPriorityNodes < 0)
      yield `pool ${pool.key} has a negative target`;
  for (const [name, marked] of Object.entries(state.toSettle))
    if (marked.size > 0) yield `${marked.size} marked ${name} were not settled`;
}

const NONE: TaskCounts = { active: 0, running: 0, completed: 0, succeeded: 0, failed: 0 };

function* jobInvariants(state: State, job: Job): Generator<string> {
  const unmade = unmadeOf(state, job);
  const tasks: TaskCounts = { ...NONE, active: unmade.tasks };
  const slots: TaskCounts = { ...NONE, active: unmade.slots };
  const work = state.jobWork.get(job.key);
  if (work === undefined) return yield `job ${job.key} has no scheduling record`;
  yield* specialInvariants(state, job);
  for (const task of work.tasks) {
    if (state.tasks.get(task.key) !== task)
      yield `task ${task.key} is listed by its job but is not in memory`;
    const bucket = task.state === 'active' ? 'active' : 'running';
    tasks[bucket] += 1;
    slots[bucket] += task.requiredSlots;
    if ((task.phase !== undefined) !== work.inFlight.has(task))
      yield `task ${task.key} and its job disagree about its attempt`;
  }
  for (const { mould, count } of work.shelf.moulds) {
    tasks.active += count;
    slots.active += count * mould.requiredSlots;
  }
  for (const { id } of work.shelf)
    if (state.tasks.has(taskKey(job.key, id))) yield `task ${id} of job ${job.key} is there twice`;
  for (const [name, counted, kept] of [
    ['taskCounts', tasks, job.taskCounts],
    ['taskSlotCounts', slots, job.taskSlotCounts],
  ] as const) {
    for (const one of ['active', 'running'] as const)
      if (counted[one] !== kept[one])
        yield `job ${job.key}: ${name}.${one} is ${kept[one]}, counted ${counted[one]}`;
    if (kept.completed !== kept.succeeded + kept.failed)
      yield `job ${job.key}: ${name} does not add up`;
    for (const count of Object.values(kept))
      if (count < 0) yield `job ${job.key}: ${name} has a negative count`;
  }
  const limit = job.specification.maxParallelTasks;
  if (
    limit > 0 &&
    work.inFlight.size > limit &&
    job.previousStateTransitionTime === undefined &&
    job.version === 1
  )
    yield `job ${job.key} has ${work.inFlight.size} attempts, allowed ${limit}`;
  if ((job.state === 'completed' || job.state === 'disabled') && work.inFlight.size > 0)
    yield `job ${job.key} is ${job.state} and has attempts`;
}

function* specialInvariants(state: State, job: Job): Generator<string> {
  for (const jobNode of state.workOfJob(job.key).nodes.values()) {
    const isUnderWay = runUnderWay(jobNode) !== undefined;
    if (isUnderWay !== (state.loads.get(jobNode.node)?.special.has(jobNode) === true))
      yield `job ${job.key} and node ${jobNode.node} disagree about their special tasks`;
    if (isUnderWay && job.state === 'completed')
      yield `job ${job.key} is completed and has special tasks on ${jobNode.node}`;
  }
}

function* nodeInvariants(state: State, node: Node): Generator<string> {
  const load = state.loads.get(node.key);
  if (load === undefined) return yield `node ${node.key} has no load record`;
  if (state.nodesOfPool.get(node.pool)?.has(node) !== true)
    yield `node ${node.key} is not listed by its pool`;
  const perNode = state.pools.get(node.pool)?.specification.taskSlotsPerNode;
  if (perNode === undefined) return yield `node ${node.key} has no pool`;
  let used = 0;
  let long = 0;
  let begun = 0;
  for (const [task, held] of load.attempts) {
    if (task.node !== node.key || task.phase === undefined)
      yield `node ${node.key} holds ${task.key}, which is not with it`;
    if (held.slots !== slotsOf(task, perNode))
      yield `node ${node.key} holds ${task.key} with ${held.slots} slots`;
    used += held.slots;
    if (!held.short) long += held.slots;
    if (task.phase === 'running') begun += 1;
  }
  for (const subtask of load.subtasks) {
    const task = state.tasks.get(subtask.task);
    if (task?.phase === undefined || task.attempt !== subtask.attempt)
      yield `node ${node.key} holds ${subtask.key} of an attempt that is over`;
    if (subtask.node !== node.key || subtask.phase === undefined)
      yield `node ${node.key} holds ${subtask.key}, which is not with it`;
    if (task?.subtasks?.includes(subtask) !== true)
      yield `node ${node.key} holds ${subtask.key}, which its task does not know`;
    used += 1;
    long += 1;
    if (subtask.phase === 'running') begun += 1;
  }
  for (const jobNode of load.special)
    if (jobNode.node !== node.key || runUnderWay(jobNode) === undefined)
      yield `node ${node.key} holds special tasks of ${jobNode.job}, which are not with it`;
  for (const ghost of load.ghosts.values()) {
    used += ghost.slots;
    long += ghost.slots;
  }
  if (used !== load.used || long !== load.long)
    yield `node ${node.key}: ${load.used} slots used (${load.long} long), counted ${used} (${long})`;
  if (used > perNode + PREFETCH_MAXIMUM)
    yield `node ${node.key} has ${used} slots of attempts, allowed ${perNode} and ${PREFETCH_MAXIMUM}`;
  if (begun !== node.runningTasksCount)
    yield `node ${node.key}: runningTasksCount is ${node.runningTasksCount}, counted ${begun}`;
  const work = state.workOfPool(node.pool);
  const lists = load.long < perNode ? work.byUsed : work.fullByUsed;
  const listed = lists[load.used]?.has(load) === true;
  if (listed !== takesTasks(node))
    yield `node ${node.key} is ${listed ? '' : 'not '}listed for placement in state ${node.state}`;
  if (
    (node.state === 'running') !== node.runningTasksCount > 0 &&
    (node.state === 'idle' || node.state === 'running')
  )
    yield `node ${node.key} is ${node.state} with ${node.runningTasksCount} running tasks`;
}

function* taskInvariants(state: State): Generator<string> {
  for (const task of state.tasks.values()) {
    if (!state.jobs.has(task.job)) yield `task ${task.key} has no job`;
    const listed = state.jobWork.get(task.job)?.tasks.has(task) === true;
    if (task.state === 'completed') {
      if (listed) yield `completed task ${task.key} is listed as living`;
      if (task.phase !== undefined || task.stopping !== undefined)
        yield `completed task ${task.key} has an attempt`;
      if (task.execution.result === undefined) yield `completed task ${task.key} has no result`;
      if ((task.execution.result === 'failure') !== (task.execution.failureInfo !== undefined))
        yield `completed task ${task.key}: result and failureInfo disagree`;
      continue;
    }
    if (!listed) yield `task ${task.key} is in memory but not listed by its job`;
    if ((task.state === 'running') !== (task.phase === 'running'))
      yield `task ${task.key} is ${task.state} in phase ${task.phase ?? 'none'}`;
    if (task.state === 'preparing' && task.phase !== 'preparing' && task.phase !== 'assigned')
      yield `task ${task.key} is preparing in phase ${task.phase ?? 'none'}`;
    if (task.phase === undefined) continue;
    for (const subtask of task.subtasks ?? [])
      if (
        subtask.phase !== undefined &&
        state.loads.get(subtask.node)?.subtasks.has(subtask) !== true
      )
        yield `subtask ${subtask.key} is with node ${subtask.node}, which does not hold it`;
    const node = task.node === undefined ? undefined : state.nodes.get(task.node);
    if (node === undefined)
      yield `task ${task.key} is with node ${task.node ?? 'none'}, which does not exist`;
    else if (state.loads.get(node.key)?.attempts.has(task) !== true)
      yield `task ${task.key} is with node ${node.key}, which does not hold it`;
  }
}
