import { durationMs } from '../../../protocol/time.js';
import { isReleased, releaseDeadline } from '../job-node/release.js';
import { rememberJob } from '../account/past.js';
import { removeDirectories } from '../node/remove-directories.js';
import type { Recorder } from '../recorder.js';
import { endOldTasks, lifeDeadline } from '../task/life.js';
import { endAutoPool } from './auto-pool.js';
import type { Job } from './state.js';
import { stopAll, terminateJob } from './terminate.js';
import { moveJob } from './transition.js';

/** When time alone changes the job. */
export function jobDeadline(recorder: Recorder, job: Job): number {
  if (job.state === 'completed') return Infinity;
  if (job.state === 'terminating' || job.state === 'deleting')
    return releaseDeadline(recorder, job);
  const wallClock = job.startTime + durationMs(job.specification.constraints.maxWallClockTime);
  const emptyEnd = job.lastModified + recorder.settings.emptyJobDelayMs;
  return Math.min(
    wallClock,
    lifeDeadline(recorder, job),
    isEmptyAndEnds(job) ? emptyEnd : Infinity,
  );
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
  else if (live) endOldTasks(recorder, job);
  const work = state.workOfJob(job.key);
  if (work.inFlight.size > 0) return;
  if (job.state === 'disabling') moveJob(recorder, job, 'disabled');
  else if (job.state === 'terminating' && isReleased(recorder, job)) {
    job.endTime = now;
    endAutoPool(recorder, job);
    moveJob(recorder, job, 'completed');
  } else if (job.state === 'deleting' && isReleased(recorder, job) && work.ghosts === 0)
    vanish(recorder, job);
}

/** → deleting: what runs is killed, then rows and files go, then the job. */
export function deleteJob(recorder: Recorder, job: Job): void {
  if (job.state === 'completed') job.released = true;
  moveJob(recorder, job, 'deleting');
  stopAll(recorder, job);
}

function vanish(recorder: Recorder, job: Job): void {
  const { state } = recorder;
  const work = state.workOfJob(job.key);
  for (const jobNode of work.nodes.values()) recorder.removed('jobNode', jobNode);
  for (const factory of work.factories.values()) recorder.removed('taskFactory', factory);
  for (const task of work.tasks) state.tasks.delete(task.key);
  for (const task of state.toEvict) if (task.job === job.key) state.tasks.delete(task.key);
  recorder.changes.jobsWithoutTasks.add(job.key);
  endAutoPool(recorder, job);
  rememberJob(recorder, job);
  recorder.removed('job', job);
  state.removeJob(job);
  if (job.jobSchedule !== undefined) state.toSettle.jobSchedules.add(job.jobSchedule);
  const directory = `workitems/${job.jobSchedule === undefined ? job.id : job.folder}`;
  const nodes = new Set(job.pool === undefined ? [] : state.nodesOfPool.get(job.pool));
  for (const key of work.nodes.keys()) {
    const node = state.nodes.get(key);
    if (node !== undefined) nodes.add(node);
  }
  for (const node of nodes) removeDirectories(recorder, node, [directory]);
}
