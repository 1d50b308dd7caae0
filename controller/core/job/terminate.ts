import type { Recorder } from '../recorder.js';
import { stopRun } from '../job-node/run.js';
import { stopAttempt } from '../task/stop.js';
import type { Job } from './state.js';
import { moveJob } from './transition.js';

/** → terminating: what runs is killed, what waits stays active and never runs; then → completed. */
export function terminateJob(recorder: Recorder, job: Job, reason: string): void {
  job.terminateReason = reason;
  moveJob(recorder, job, 'terminating');
  stopAll(recorder, job);
}

/** Ends every attempt of the job: begun tasks complete as ended, others just stay active. */
export function stopAll(recorder: Recorder, job: Job): void {
  const { state } = recorder;
  const work = state.workOfJob(job.key);
  if (job.pool !== undefined) state.workOfPool(job.pool).order.leave(work);
  for (const task of [...work.inFlight])
    stopAttempt(recorder, task, task.phase === 'running' ? 'terminate' : 'requeue');
  for (const jobNode of work.nodes.values())
    if (jobNode.preparation.phase !== undefined) stopRun(recorder, jobNode);
}
