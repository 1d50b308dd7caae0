import type { Recorder } from '../recorder.js';
import { stopAttempt } from '../task/stop.js';
import { hasReady, isReady, makeReady } from '../task/ready.js';
import type { Job } from './state.js';
import { moveJob } from './transition.js';

/** active → disabling; once nothing of it runs → disabled. Asking again with another option is fine. */
export function disableJob(
  recorder: Recorder,
  job: Job,
  disableTasks: 'requeue' | 'terminate' | 'wait',
): void {
  job.disableTasks = disableTasks;
  if (job.state === 'disabled') return recorder.changed('job', job);
  if (job.state !== 'disabling') moveJob(recorder, job, 'disabling');
  const { inFlight } = recorder.state.workOfJob(job.key);
  for (const task of [...inFlight]) {
    if (task.phase !== 'running') stopAttempt(recorder, task, 'requeue');
    else if (disableTasks !== 'wait') stopAttempt(recorder, task, disableTasks);
  }
  recorder.state.toSettle.jobs.add(job.key);
}

/** disabled → enabling → active: its tasks are queued anew, for the pool it now has. */
export function enableJob(recorder: Recorder, job: Job): void {
  moveJob(recorder, job, 'enabling');
  moveJob(recorder, job, 'active');
  delete job.disableTasks;
  queueAll(recorder, job);
}

/** Makes the job's queue again from its tasks. */
export function queueAll(recorder: Recorder, job: Job): void {
  const { state } = recorder;
  const work = state.workOfJob(job.key);
  if (job.pool !== undefined) state.workOfPool(job.pool).order.leave(work);
  work.ready.restart();
  for (const task of work.tasks) if (isReady(state, work, task)) makeReady(state, task);
  if (work.shelf.size > 0) hasReady(state, work);
}
