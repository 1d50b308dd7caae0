import type { Outcome } from '../../../protocol/agent/event.js';
import type { AttemptRef } from '../../../protocol/agent/message.js';
import type { TaskKey } from '../../../protocol/keys.js';
import { followTask } from '../job/follow.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { completeTask, taskEnded } from './complete.js';
import { countRunning, exorcise } from './hold.js';
import { backToActive } from './ready.js';
import type { Task } from './state.js';
import { jobOfTask, moveTask } from './transition.js';

/** The task whose current attempt is meant; older attempts are history and change nothing. */
export function currentAttempt(recorder: Recorder, node: Node, ref: AttemptRef): Task | undefined {
  const task = recorder.state.tasks.get(ref.taskKey as TaskKey);
  return task?.attempt === ref.attempt && task.node === node.key && task.phase !== undefined
    ? task
    : undefined;
}

export function attemptStarted(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  startTime: number,
): void {
  const task = currentAttempt(recorder, node, ref);
  if (task?.phase !== 'assigned') return;
  task.phase = 'running';
  task.execution.startTime = startTime;
  countRunning(recorder, node, task, 1);
  if (task.state !== 'running') moveTask(recorder, task, 'running');
}

/** It never ran: the task waits again, nothing is counted. */
export function attemptReturned(recorder: Recorder, node: Node, ref: AttemptRef): void {
  const task = currentAttempt(recorder, node, ref);
  if (task === undefined) {
    exorcise(recorder, node, ref.taskKey, ref.attempt);
    return;
  }
  recorder.state.workOfJob(task.job).averageRunMs = undefined;
  if (task.stopping?.then === 'terminate') endOnRequest(recorder, task, { endTime: recorder.now });
  else backToActive(recorder, task, 'lost');
}

export function attemptEnded(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  outcome: Outcome,
): void {
  const task = currentAttempt(recorder, node, ref);
  if (task === undefined) {
    exorcise(recorder, node, ref.taskKey, ref.attempt);
    return;
  }
  const { startTime, endTime } = outcome;
  if (startTime !== undefined) {
    node.totalTasksRun += 1;
    recorder.changed('node', node);
    if (outcome.stopped !== true)
      recorder.state.workOfJob(task.job).ran(Math.max(0, endTime - startTime));
  }
  if (outcome.stopped === true) {
    if (task.stopping?.then === 'terminate') endOnRequest(recorder, task, outcome);
    else backToActive(recorder, task, task.stopping === undefined ? 'lost' : 'requeued');
    return;
  }
  if (mayRetry(recorder, task, outcome)) {
    backToActive(recorder, task, 'retried');
    return;
  }
  if (outcome.failure === undefined && outcome.exitCode === 0) node.totalTasksSucceeded += 1;
  followTask(recorder, task, completeTask(recorder, task, outcome));
}

/** Only a plain nonzero exit is tried again (section 7.4), and not in a job that ends. */
function mayRetry(recorder: Recorder, task: Task, outcome: Outcome): boolean {
  if (outcome.failure !== undefined || outcome.exitCode === 0 || outcome.exitCode === undefined)
    return false;
  if (task.stopping?.then === 'terminate') return false;
  const { state } = jobOfTask(recorder.state, task.key);
  if (state !== 'active' && state !== 'disabling' && state !== 'disabled') return false;
  return task.maxTaskRetryCount === -1 || task.execution.retryCount < task.maxTaskRetryCount;
}

function endOnRequest(
  recorder: Recorder,
  task: Task,
  outcome: Partial<Outcome> & { endTime: number },
): void {
  const end = {
    startTime: outcome.startTime,
    endTime: outcome.endTime,
    failure: taskEnded('The task was ended by request of the user'),
  };
  const exit = outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode };
  followTask(recorder, task, completeTask(recorder, task, { ...end, ...exit }));
}

/** The node can't run it any more (lease over, boot lost, node gone): nothing is counted against the task. */
export function loseAttempt(recorder: Recorder, task: Task): void {
  if (task.stopping?.then === 'terminate') endOnRequest(recorder, task, { endTime: recorder.now });
  else backToActive(recorder, task, task.stopping === undefined ? 'lost' : 'requeued');
}
