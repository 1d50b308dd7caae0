import type { Recorder } from '../recorder.js';
import type { Job, JobState } from './state.js';

export function moveJob(recorder: Recorder, job: Job, to: JobState): void {
  job.previousState = job.state;
  job.previousStateTransitionTime = job.stateTransitionTime;
  job.state = to;
  job.stateTransitionTime = recorder.now;
  recorder.changed('job', job);
  recorder.state.toSettle.jobs.add(job.key);
  if (job.jobSchedule !== undefined) recorder.state.toSettle.jobSchedules.add(job.jobSchedule);
}

/** Counts towards the quota of active jobs and schedules. */
export const isLive = (job: Job) => job.state !== 'completed' && job.state !== 'deleting';
