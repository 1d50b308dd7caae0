import { durationMs } from '../../../protocol/time.js';
import type { Recorder } from '../recorder.js';
import type { Job } from './state.js';
import { stopAll, terminateJob } from './terminate.js';
import { moveJob } from './transition.js';

/** When time alone changes the job. */
export function jobDeadline(recorder: Recorder, job: Job): number {
  if (job.state === 'completed' || job.state === 'terminating' || job.state === 'deleting')
    return Infinity;
  const wallClock = job.startTime + durationMs(job.specification.constraints.maxWallClockTime);
  return isEmptyAndEnds(job)
    ? Math.min(wallClock, job.lastModified + recorder.settings.emptyJobDelayMs)
    : wallClock;
}

const isEmptyAndEnds = (job: Job) =>
  job.state === 'active' &&
  job.specification.onAllTasksComplete === 'terminatejob' &&
  job.taskCounts.active + job.taskCounts.running + job.taskCounts.completed === 0;

const isDone = (job: Job) =>
  job.state === 'active' &&
  job.specification.onAllTasksComplete === 'terminatejob' &&
  job.taskCounts.active + job.taskCounts.running === 0 &&
  job.taskCounts.completed > 0;

/** Takes the job on to where its tasks and the time have brought it. Idempotent. */
export function settleJob(recorder: Recorder, job: Job): void {
  const { now, state } = recorder;
  const live = job.state === 'active' || job.state === 'disabling' || job.state === 'disabled';
  if (live && now >= job.startTime + durationMs(job.specification.constraints.maxWallClockTime))
    terminateJob(recorder, job, 'MaxWallClockTimeExpiry');
  else if (
    isDone(job) ||
    (isEmptyAndEnds(job) && now >= job.lastModified + recorder.settings.emptyJobDelayMs)
  )
    terminateJob(recorder, job, 'AllTasksComplete');
  const work = state.workOfJob(job.key);
  if (work.inFlight.size > 0) return;
  if (job.state === 'disabling') moveJob(recorder, job, 'disabled');
  else if (job.state === 'terminating') {
    job.endTime = now;
    moveJob(recorder, job, 'completed');
  } else if (job.state === 'deleting' && work.ghosts === 0) vanish(recorder, job);
}

/** → deleting: what runs is killed, then rows and files go, then the job. */
export function deleteJob(recorder: Recorder, job: Job): void {
  moveJob(recorder, job, 'deleting');
  stopAll(recorder, job);
}

function vanish(recorder: Recorder, job: Job): void {
  const { state } = recorder;
  const work = state.workOfJob(job.key);
  for (const task of work.tasks) state.tasks.delete(task.key);
  for (const task of state.toEvict) if (task.job === job.key) state.tasks.delete(task.key);
  recorder.changes.jobsWithoutTasks.add(job.key);
  recorder.removed('job', job);
  state.removeJob(job);
  if (job.jobSchedule !== undefined) state.toSettle.jobSchedules.add(job.jobSchedule);
  if (job.pool === undefined) return;
  const directory = `workitems/${job.jobSchedule === undefined ? job.id : job.folder}`;
  for (const node of state.nodesOfPool.get(job.pool) ?? [])
    if (node.session.id !== undefined)
      recorder.ask({
        type: 'removeDirectories',
        nodeKey: node.key,
        incarnation: node.incarnation,
        directories: [directory],
      });
}
