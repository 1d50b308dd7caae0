import type { Outcome } from '../../../protocol/agent/event.js';
import type { Recorder } from '../recorder.js';
import type { State } from '../state.js';
import type { JobWork } from '../scheduler/job-work.js';
import { release } from './hold.js';
import { rememberAttempt } from './history.js';
import type { Task } from './state.js';
import { jobOfTask, moveTask } from './transition.js';
import { noUsage } from './usage.js';

/** True where the task waits for nothing but room. */
export const isReady = (state: State, work: JobWork, task: Task) =>
  task.state === 'active' &&
  task.phase === undefined &&
  task.subtasks?.some(({ dying }) => dying) !== true &&
  state.tasks.get(task.key) === task &&
  !work.dependencies.isBlocked(task);

/** Queues a task that may run. */
export function makeReady(state: State, task: Task): void {
  const work = state.workOfJob(task.job);
  work.ready.push(task);
  hasReady(state, work);
}

/** The job has something to run: it stands in its pool's order. */
export function hasReady(state: State, work: JobWork): void {
  const { pool } = work.job;
  if (pool === undefined) return;
  state.workOfPool(pool).order.join(work);
  state.toSchedule.add(pool);
}

/** Packs the tasks that were queued since the last time, where that is possible; after a commit. */
export function shelve(state: State): void {
  for (const work of state.toShelve)
    work.ready.shelve((task) => isReady(state, work, task) && !work.dependencies.has(task));
  state.toShelve.clear();
}

/** Queues a task, now or once what it depends on is satisfied. */
export function queue(state: State, task: Task): void {
  const { dependencies } = state.workOfJob(task.job);
  if (task.dependsOn !== undefined) dependencies.add(task, task.dependsOn);
  if (!dependencies.isBlocked(task)) makeReady(state, task);
}

/**
 * The attempt is over and the task waits again. `requeued`: a user's deed, counted; a retry is counted
 * by its own rule; a lost node counts for nothing (section 11).
 */
export function backToActive(
  recorder: Recorder,
  task: Task,
  cause: 'requeued' | 'retried' | 'lost',
  outcome?: Partial<Outcome>,
): void {
  const begun = task.state === 'running' || task.phase === 'running' || cause === 'retried';
  rememberAttempt(recorder, task, cause, outcome);
  release(recorder, task);
  if (begun && cause !== 'requeued' && task.node !== undefined) task.lastNode = task.node;
  else delete task.lastNode;
  delete task.phase;
  delete task.stopping;
  delete task.node;
  delete task.nodeId;
  delete task.poolId;
  if (begun && cause === 'requeued') {
    task.execution.requeueCount += 1;
    task.execution.lastRequeueTime = recorder.now;
  }
  if (cause === 'retried') {
    const job = jobOfTask(recorder.state, task.key);
    (job.usage ??= noUsage()).retries += 1;
    task.execution.retryCount += 1;
    task.execution.lastRetryTime = recorder.now;
  }
  delete task.coordinated;
  delete task.proceeded;
  delete task.execution.startTime;
  if (task.state !== 'active') moveTask(recorder, task, 'active');
  else recorder.changed('task', task);
  queue(recorder.state, task);
}
