import type { Outcome } from '../../../protocol/agent/event.js';
import type { AttemptRef } from '../../../protocol/agent/message.js';
import type { TaskKey } from '../../../protocol/keys.js';
import { followTask } from '../job/follow.js';
import { noteRecentTask } from '../node/recent-tasks.js';
import { dataStays } from '../node/retention.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { completeTask } from './complete.js';
import { diedUnder, quarantine } from './quarantine.js';
import {
  coordinated,
  groupEnded,
  hasRetries,
  isSubtask,
  subtaskEnded,
  subtaskStarted,
} from './group.js';
import { rememberLogs } from './history.js';
import { countRunning, exorcise, hearGhost } from './hold.js';
import { reasonOfEnd } from './life.js';
import { backToActive } from './ready.js';
import type { Task } from './state.js';
import { countUsage, usageOf } from './usage.js';
import { jobOfTask, moveTask, noteStart } from './transition.js';

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
  hearGhost(recorder, node, ref.taskKey, ref.attempt);
  if (isSubtask(ref)) return subtaskStarted(recorder, node, ref, startTime);
  const task = currentAttempt(recorder, node, ref);
  if (task?.phase !== 'assigned') return;
  task.phase = 'running';
  noteStart(task, startTime);
  countRunning(recorder, node, task, 1);
  if (task.state !== 'running') moveTask(recorder, task, 'running');
  noteRecentTask(recorder, node, jobOfTask(recorder.state, task.key), task);
}

/** It never ran: the task waits again, nothing is counted. */
export function attemptReturned(recorder: Recorder, node: Node, ref: AttemptRef): void {
  if (isSubtask(ref)) return subtaskEnded(recorder, node, ref, undefined);
  const task = currentAttempt(recorder, node, ref);
  if (task === undefined) {
    exorcise(recorder, node, ref.taskKey, ref.attempt);
    return;
  }
  recorder.state.workOfJob(task.job).averageRunMs = undefined;
  if (task.stopping !== undefined) stopped(recorder, task, { endTime: recorder.now }, 'lost');
  else backToActive(recorder, task, 'lost');
}

/** The coordination command of one part of a multi-instance task has ended well. */
export function attemptCoordinated(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  outcome: Outcome,
): void {
  const task = currentAttempt(recorder, node, ref);
  if (task?.phase === 'assigned')
    attemptStarted(recorder, node, ref, outcome.startTime ?? outcome.endTime);
  coordinated(recorder, node, ref, outcome, task);
}

/** An attempt that was told to end has: what was asked for follows. */
function stopped(
  recorder: Recorder,
  task: Task,
  end: Partial<Outcome> & { endTime: number },
  otherwise: 'lost' | 'requeued',
): void {
  const { then, because } = task.stopping ?? {};
  if (then === 'terminate') endOnRequest(recorder, task, end);
  else if (because === undefined) backToActive(recorder, task, otherwise, end);
  else followTask(recorder, task, groupEnded(recorder, task, because, end));
}

export function attemptEnded(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  outcome: Outcome,
): void {
  if (isSubtask(ref)) return subtaskEnded(recorder, node, ref, outcome);
  const task = currentAttempt(recorder, node, ref);
  if (task === undefined) {
    exorcise(recorder, node, ref.taskKey, ref.attempt);
    return;
  }
  attemptOver(recorder, node, task, outcome);
  const job = recorder.state.jobs.get(task.job);
  if (job !== undefined && outcome.startTime !== undefined)
    noteRecentTask(recorder, node, job, task);
}

function attemptOver(recorder: Recorder, node: Node, task: Task, outcome: Outcome): void {
  const { startTime, endTime } = outcome;
  rememberLogs(recorder, task, outcome);
  if (startTime !== undefined) {
    countUsage(jobOfTask(recorder.state, task.key), task, outcome);
    node.totalTasksRun += 1;
    if (task.retentionTimeMs !== undefined) dataStays(node);
    recorder.changed('node', node);
    if (outcome.stopped !== true)
      recorder.state.workOfJob(task.job).ran(Math.max(0, endTime - startTime));
  }
  if (outcome.stopped === true) {
    if (task.stopping !== undefined) stopped(recorder, task, outcome, 'requeued');
    else backToActive(recorder, task, 'lost', outcome);
    return;
  }
  if (mayRetry(recorder, task, outcome)) {
    backToActive(recorder, task, 'retried', outcome);
    return;
  }
  if (outcome.failure === undefined && outcome.exitCode === 0) node.totalTasksSucceeded += 1;
  followTask(recorder, task, completeTask(recorder, task, outcome));
}

/** Only a plain nonzero exit is tried again (section 7.4), and not in a job that ends. */
function mayRetry(recorder: Recorder, task: Task, outcome: Outcome): boolean {
  if (outcome.failure !== undefined || outcome.exitCode === 0 || outcome.exitCode === undefined)
    return false;
  return task.stopping?.then !== 'terminate' && hasRetries(recorder, task);
}

function endOnRequest(
  recorder: Recorder,
  task: Task,
  outcome: Partial<Outcome> & { endTime: number },
): void {
  const end = {
    startTime: outcome.startTime,
    endTime: outcome.endTime,
    failure: reasonOfEnd(task, recorder.now),
    ...usageOf(outcome),
  };
  const exit = outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode };
  followTask(recorder, task, completeTask(recorder, task, { ...end, ...exit }));
}

/** The node can't run it any more (lease over, boot lost, node gone): no retry is counted against the task. */
export function loseAttempt(recorder: Recorder, task: Task): void {
  if (task.stopping !== undefined) stopped(recorder, task, { endTime: recorder.now }, 'requeued');
  else if (task.phase === 'running' && diedUnder(recorder, task))
    followTask(recorder, task, quarantine(recorder, task));
  else backToActive(recorder, task, 'lost');
}
