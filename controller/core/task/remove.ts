import { removeDirectories } from '../node/remove-directories.js';
import type { Recorder } from '../recorder.js';
import type { State } from '../state.js';
import { followTask } from '../job/follow.js';
import { completeTask, taskEnded } from './complete.js';
import { rememberAttempt } from './history.js';
import { haunt, hauntSubtasks, release } from './hold.js';
import { queue } from './ready.js';
import type { Subtask, Task } from './state.js';
import { stopAttempt } from './stop.js';
import { countTask, directoryOf, jobOfTask, moveTask } from './transition.js';

/** The task is gone at once; what still runs of it is killed, and its files go. */
export function removeTask(recorder: Recorder, task: Task): void {
  const { state } = recorder;
  const job = jobOfTask(state, task.key);
  const node = task.node === undefined ? undefined : state.nodes.get(task.node);
  const directory = directoryOf(job, task.id);
  countTask(recorder, job, task, -1);
  removeSubtasks(recorder, task, directory);
  if (task.attempt > (job.attemptBase ?? 0)) job.attemptBase = task.attempt;
  if (task.phase === 'preparing') release(recorder, task);
  else if (node !== undefined && task.phase !== undefined) haunt(recorder, node, task, directory);
  else if (node !== undefined) removeDirectories(recorder, node, [directory]);
  const work = state.workOfJob(job.key);
  work.tasks.delete(task);
  work.inFlight.delete(task);
  work.dependencies.remove(task);
  state.tasks.delete(task.key);
  state.toEvict.delete(task);
  recorder.removed('task', task);
  recorder.changes.taskBodies.delete(task.key);
}

/** The other parts of a multi-instance task go with it, files included. */
function removeSubtasks(recorder: Recorder, task: Task, directory: string): void {
  hauntSubtasks(recorder, task, directory);
  for (const subtask of task.subtasks ?? []) {
    const node = recorder.state.nodes.get(subtask.node);
    if (node === undefined || !recorder.state.loadOf(node).isEmpty) continue;
    removeDirectories(recorder, node, [directory]);
  }
}

/** Ends a task: at once where nothing runs, else when its agent has killed it. */
export function terminateTask(
  recorder: Recorder,
  task: Task,
  failure = taskEnded('The task was ended by request of the user'),
): void {
  if (task.phase !== undefined) return stopAttempt(recorder, task, 'terminate');
  followTask(recorder, task, completeTask(recorder, task, { endTime: recorder.now, failure }));
}

/** A part may have died while its completed task was not in memory. */
function forgetDead(state: State, subtask: Subtask): void {
  const node = state.nodes.get(subtask.node);
  const ghosts = node === undefined ? undefined : state.loadOf(node).ghosts;
  if (ghosts?.has(`${subtask.key}#${subtask.attempt}`) !== true) delete subtask.dying;
}

/** completed with a failure → active, with a whole retry budget; what it satisfied must be satisfied again. */
export function reactivateTask(recorder: Recorder, task: Task): void {
  const { state } = recorder;
  const work = state.workOfJob(task.job);
  const { exitCode, failureInfo: failure, endTime } = task.execution;
  rememberAttempt(recorder, task, 'reactivated', {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failure === undefined ? {} : { failure }),
    ...(endTime === undefined ? {} : { endTime }),
  });
  moveTask(recorder, task, 'active', () => {
    task.execution = { retryCount: 0, requeueCount: 0 };
  });
  delete task.nodeDeaths;
  delete task.lastNode;
  delete task.node;
  delete task.nodeId;
  delete task.poolId;
  for (const subtask of task.subtasks ?? []) forgetDead(state, subtask);
  recorder.touched('task', task);
  state.toEvict.delete(task);
  work.add(task);
  if (work.dependencies.isSatisfied(task.id)) {
    work.dependencies.unsatisfy(task.id);
    recorder.changes.unsatisfied.push({ job: task.job, taskId: task.id });
  }
  queue(state, task);
}
