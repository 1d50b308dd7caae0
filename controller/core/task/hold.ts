import { removeDirectories } from '../node/remove-directories.js';
import { jobOf, type TaskKey } from '../../../protocol/keys.js';
import type { Node } from '../node/state.js';
import { must, type Recorder } from '../recorder.js';
import { prefetchOf, type Ghost } from '../scheduler/fit.js';
import { nodeRefusal } from '../scheduler/refusal.js';
import type { State } from '../state.js';
import type { Subtask, Task } from './state.js';
import { endSubtask } from './subtask.js';

/** Slots an attempt takes on a node of so many. */
export const slotsOf = (task: Task, taskSlotsPerNode: number) =>
  task.runExclusive ? Math.max(taskSlotsPerNode, task.requiredSlots) : task.requiredSlots;

const ghostName = (taskKey: TaskKey | string, attempt: number) => `${taskKey}#${attempt}`;

/** True where the node may be given tasks. */
export const takesTasks = (node: Node) => nodeRefusal(node) === undefined;

/** Puts the node into its pool's placement lists where it belongs, or takes it out. */
export function relist(state: State, node: Node): void {
  const load = state.loadOf(node);
  const work = state.workOfPool(node.pool);
  if (!takesTasks(node)) {
    work.unlist(load);
    return;
  }
  work.list(load, slotsPerNode(state, node));
  state.toSchedule.add(node.pool);
}

const slotsPerNode = (state: State, node: Node) =>
  state.pools.get(node.pool)?.specification.taskSlotsPerNode ?? 1;

/** Books the attempt that `task` now names on its node. */
export function hold(state: State, node: Node, task: Task): void {
  const load = state.loadOf(node);
  const work = state.workOfJob(task.job);
  must(!load.attempts.has(task), () => `${task.key} is held twice by ${node.key}`);
  const slots = slotsOf(task, slotsPerNode(state, node));
  const short =
    !task.runExclusive && task.instances === undefined && prefetchOf(work.averageRunMs) > 0;
  load.attempts.set(task, { slots, short });
  load.used += slots;
  if (!short) load.long += slots;
  work.inFlight.add(task);
  relist(state, node);
}

/** Ends the booking; the caller then decides what becomes of the task. */
export function release(recorder: Recorder, task: Task): void {
  const { state } = recorder;
  hauntSubtasks(recorder, task);
  const node = task.node === undefined ? undefined : state.nodes.get(task.node);
  const work = state.workOfJob(task.job);
  work.inFlight.delete(task);
  if (node === undefined) return;
  const load = state.loadOf(node);
  const held = load.attempts.get(task);
  if (held === undefined) return;
  load.attempts.delete(task);
  load.used -= held.slots;
  if (!held.short) load.long -= held.slots;
  if (task.phase === 'running') countRunning(recorder, node, task, -1);
  freed(recorder, node, task);
}

/** A place is free: the job may go on, the pool may place, the node may have come to rest. */
function freed(recorder: Recorder, node: Node, task: Pick<Task, 'job'>): void {
  const { state } = recorder;
  relist(state, node);
  state.toSettle.nodes.add(node.key);
  state.toSettle.jobs.add(task.job);
  const work = state.jobWork.get(task.job);
  if (work === undefined || work.job.pool === undefined) return;
  if (work.ready.length > 0) state.workOfPool(work.job.pool).order.join(work);
  state.toSchedule.add(work.job.pool);
}

/** The node's own counters of begun attempts. */
export function countRunning(
  recorder: Recorder,
  node: Node,
  task: Pick<Task, 'requiredSlots'>,
  sign: 1 | -1,
): void {
  node.runningTasksCount += sign;
  node.runningTaskSlotsCount += sign * task.requiredSlots;
  recorder.changed('node', node);
  recorder.state.toSettle.nodes.add(node.key);
}

/** Books a part of a multi-instance task: one slot, which is all that nodes of its pools have. */
export function holdSubtask(state: State, node: Node, subtask: Subtask): void {
  const load = state.loadOf(node);
  must(!load.subtasks.has(subtask), () => `${subtask.key} is held twice by ${node.key}`);
  load.subtasks.add(subtask);
  load.used += 1;
  load.long += 1;
  relist(state, node);
}

/** The part's attempt is over on its node. */
export function dropSubtask(recorder: Recorder, node: Node, subtask: Subtask): void {
  const load = recorder.state.loadOf(node);
  if (!load.subtasks.delete(subtask)) return;
  load.used -= 1;
  load.long -= 1;
  if (subtask.phase === 'running') countRunning(recorder, node, { requiredSlots: 1 }, -1);
  delete subtask.phase;
  freed(recorder, node, { job: jobOf(subtask.task) });
}

/**
 * The primary's attempt is over or is to end: what is left of the other parts is killed, and keeps its
 * slot until it is dead. `directory`: its files go then.
 */
export function hauntSubtasks(recorder: Recorder, task: Task, directory?: string): void {
  for (const subtask of task.subtasks ?? []) {
    const node = recorder.state.nodes.get(subtask.node);
    const name = ghostName(subtask.key, subtask.attempt);
    const load = node === undefined ? undefined : recorder.state.loadOf(node);
    const dying = load?.ghosts.get(name);
    if (dying !== undefined && directory !== undefined) dying.directory = directory;
    if (subtask.phase === undefined) continue;
    const heard = subtask.phase === 'running';
    endSubtask(subtask, undefined, recorder.now);
    recorder.changed('task', task);
    if (node === undefined || load === undefined) continue;
    dropSubtask(recorder, node, subtask);
    subtask.dying = true;
    hauntBy(recorder, node, subtask, heard, directory);
    recorder.stop(node, { taskKey: subtask.key, attempt: subtask.attempt });
  }
}

/** A part that dies on the node keeps its slot until its agent says that it has. */
export function hauntBy(
  recorder: Recorder,
  node: Node,
  subtask: Subtask,
  heard: boolean,
  directory?: string,
): void {
  const load = recorder.state.loadOf(node);
  load.ghosts.set(ghostName(subtask.key, subtask.attempt), {
    slots: 1,
    since: recorder.now,
    heard,
    ...(directory === undefined ? {} : { directory }),
  });
  load.used += 1;
  load.long += 1;
  recorder.state.workOfJob(jobOf(subtask.task)).ghosts += 1;
  relist(recorder.state, node);
}

/** The part is dead; with the last one its task may be tried again. */
function bury(recorder: Recorder, key: string, attempt: number): void {
  const at = key.lastIndexOf(':');
  if (at < key.lastIndexOf('/')) return;
  const task = recorder.state.tasks.get(key.slice(0, at) as TaskKey);
  const subtask = task?.subtasks?.find((one) => one.key === key && one.attempt === attempt);
  if (task === undefined || subtask?.dying !== true) return;
  delete subtask.dying;
  recorder.changed('task', task);
  if (task.state === 'active' && task.phase === undefined)
    recorder.state.workOfJob(task.job).ready.push(task);
}

/** A deleted task's attempt still dies on the node: its slots stay taken until the agent says so. */
export function haunt(recorder: Recorder, node: Node, task: Task, directory: string): void {
  const load = recorder.state.loadOf(node);
  const held = load.attempts.get(task);
  const name = ghostName(task.key, task.attempt);
  const heard = task.phase === 'running';
  release(recorder, task);
  if (held === undefined) return;
  load.ghosts.set(name, { slots: held.slots, directory, since: recorder.now, heard });
  load.used += held.slots;
  load.long += held.slots;
  recorder.state.workOfJob(task.job).ghosts += 1;
  relist(recorder.state, node);
  recorder.stop(node, { taskKey: task.key, attempt: task.attempt });
}

/** The attempt of a deleted task is over. */
export function exorcise(recorder: Recorder, node: Node, taskKey: string, attempt: number): void {
  const load = recorder.state.loadOf(node);
  const name = ghostName(taskKey, attempt);
  const ghost = load.ghosts.get(name);
  if (ghost === undefined) return;
  load.ghosts.delete(name);
  load.used -= ghost.slots;
  load.long -= ghost.slots;
  const job = jobOf(taskKey as TaskKey);
  const work = recorder.state.jobWork.get(job);
  if (work !== undefined) work.ghosts -= 1;
  bury(recorder, taskKey, attempt);
  if (ghost.directory !== undefined) removeDirectories(recorder, node, [ghost.directory]);
  freed(recorder, node, { job });
}

/** The agent has begun what is to die: it will say when it is dead. */
export function hearGhost(recorder: Recorder, node: Node, taskKey: string, attempt: number): void {
  const ghost = recorder.state.loadOf(node).ghosts.get(ghostName(taskKey, attempt));
  if (ghost !== undefined) ghost.heard = true;
}

/** Ends those ghosts that are over for another reason than the agent's report. */
export function exorciseWhere(
  recorder: Recorder,
  node: Node,
  isOver: (ghost: Ghost, name: string) => boolean,
): void {
  for (const [name, ghost] of [...recorder.state.loadOf(node).ghosts]) {
    if (!isOver(ghost, name)) continue;
    const at = name.lastIndexOf('#');
    exorcise(recorder, node, name.slice(0, at), Number(name.slice(at + 1)));
  }
}
