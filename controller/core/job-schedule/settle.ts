import { addJob } from '../job/add.js';
import { deleteAutoPool, type AutoPool } from '../job/auto-pool.js';
import { deleteJob } from '../job/settle.js';
import type { Job } from '../job/state.js';
import { terminateJob } from '../job/terminate.js';
import { isLive } from '../job/transition.js';
import { hasQuota } from '../job/quota.js';
import type { Recorder } from '../recorder.js';
import { endOf, firstRun, nextRun, windowOf } from './recurrence.js';
import type { JobSchedule, JobScheduleState } from './state.js';

export function moveJobSchedule(
  recorder: Recorder,
  schedule: JobSchedule,
  to: JobScheduleState,
): void {
  schedule.previousState = schedule.state;
  schedule.previousStateTransitionTime = schedule.stateTransitionTime;
  schedule.state = to;
  schedule.stateTransitionTime = recorder.now;
  recorder.changed('jobSchedule', schedule);
  recorder.state.toSettle.jobSchedules.add(schedule.key);
}

/** How often a due schedule that can't make its job looks again. */
const RETRY_MS = 30_000;

const jobsOf = (recorder: Recorder, schedule: JobSchedule): Job[] => [
  ...(recorder.state.jobsOfSchedule.get(schedule.key) ?? []),
];

/** The first due time of a schedule that begins to count at `from`. */
export function setNextRun({ settings }: Recorder, schedule: JobSchedule, from: number): void {
  setOrClear(schedule, firstRun(settings.cron, schedule.specification.schedule, from));
}

function setOrClear(schedule: JobSchedule, next: number | undefined): void {
  if (next === undefined) delete schedule.nextRunTime;
  else schedule.nextRunTime = next;
}

/** The due time after this one that is still to come: lost ones are not made up for. */
function advance(recorder: Recorder, schedule: JobSchedule, due: number): void {
  const { settings, now } = recorder;
  setOrClear(schedule, nextRun(settings.cron, schedule.specification.schedule, due, now));
  recorder.changed('jobSchedule', schedule);
}

const windowFrom = ({ settings }: Recorder, schedule: JobSchedule, due: number) =>
  windowOf(settings.cron, schedule.specification.schedule, due);

/** When time alone changes the schedule. */
export function jobScheduleDeadline(recorder: Recorder, schedule: JobSchedule): number {
  if (schedule.state !== 'active') return Infinity;
  const end = endOf(schedule.specification.schedule);
  const times = end >= recorder.now ? [end + 1] : [];
  const { nextRunTime } = schedule;
  if (nextRunTime !== undefined && nextRunTime > recorder.now) times.push(nextRunTime);
  // Due, but its last job still runs or a quota is used up: look again when the window ends, or soon.
  else if (nextRunTime !== undefined)
    times.push(
      nextRunTime + windowFrom(recorder, schedule, nextRunTime) + 1,
      recorder.now + RETRY_MS,
    );
  return Math.min(Infinity, ...times);
}

/** Takes the schedule on to where its jobs and the time have brought it. Idempotent. */
export function settleJobSchedule(recorder: Recorder, schedule: JobSchedule): void {
  const jobs = jobsOf(recorder, schedule);
  const live = jobs.filter(isLive);
  switch (schedule.state) {
    case 'active':
      return settleActive(recorder, schedule, live.length > 0);
    case 'terminating':
      for (const job of live)
        if (job.state !== 'terminating') terminateJob(recorder, job, 'TerminateJobSchedule');
      if (live.length === 0) complete(recorder, schedule);
      return;
    case 'deleting':
      for (const job of jobs) if (job.state !== 'deleting') deleteJob(recorder, job);
      if (jobs.length > 0) return;
      endPool(recorder, schedule);
      recorder.removed('jobSchedule', schedule);
      recorder.state.jobSchedules.delete(schedule.key);
      recorder.state.jobsOfSchedule.delete(schedule.key);
      return;
    case 'disabled':
    case 'completed':
      return;
  }
}

function settleActive(recorder: Recorder, schedule: JobSchedule, hasLiveJob: boolean): void {
  const { now } = recorder;
  const due = schedule.nextRunTime;
  const end = endOf(schedule.specification.schedule);
  if (due !== undefined && now >= due && now <= end) {
    if (now > due + windowFrom(recorder, schedule, due)) advance(recorder, schedule, due);
    else if (!hasLiveJob && hasQuota(recorder, schedule.account)) {
      makeJob(recorder, schedule);
      advance(recorder, schedule, due);
      return;
    }
  }
  if (!hasLiveJob && isOver(schedule, now)) complete(recorder, schedule);
}

/** No job will come any more; a schedule that recurs stays active until its end nevertheless. */
function isOver({ nextRunTime, specification: { schedule } }: JobSchedule, now: number): boolean {
  const end = endOf(schedule);
  const recurs = schedule.recurrenceInterval !== undefined || schedule.cronExpression !== undefined;
  return now > end || (nextRunTime === undefined && !(recurs && end < Infinity));
}

function makeJob(recorder: Recorder, schedule: JobSchedule): void {
  schedule.jobCount += 1;
  const id = `${schedule.id}:job-${schedule.jobCount}`;
  const job = addJob(
    recorder,
    schedule.account,
    { id, ...structuredCopy(schedule.specification.jobSpecification) },
    {
      key: schedule.key,
      folder: `${schedule.id}/job-${schedule.jobCount}`,
      ...presentPool(recorder, schedule),
    },
  );
  if (isPoolOfAll(schedule) && job.pool !== undefined && job.autoPoolId !== undefined)
    schedule.autoPool = { key: job.pool, id: job.autoPoolId };
  schedule.recentJob = { key: job.key, id };
  recorder.changed('jobSchedule', schedule);
}

const isPoolOfAll = ({ specification }: JobSchedule) =>
  specification.jobSpecification.poolInfo.autoPoolSpecification?.poolLifetimeOption ===
  'jobschedule';

/** The pool of all jobs, if it is there; somebody may have deleted it. */
const presentPool = ({ state }: Recorder, schedule: JobSchedule): { autoPool?: AutoPool } =>
  schedule.autoPool !== undefined &&
  isPoolOfAll(schedule) &&
  state.pools.get(schedule.autoPool.key)?.state === 'active'
    ? { autoPool: schedule.autoPool }
    : {};

/** The schedule has ended: the pool of all its jobs goes, unless it shall stay. */
function endPool(recorder: Recorder, schedule: JobSchedule): void {
  const { poolInfo } = schedule.specification.jobSpecification;
  if (poolInfo.autoPoolSpecification?.keepAlive !== true)
    deleteAutoPool(recorder, schedule.autoPool?.key);
}

/** Patching a job must not change the schedule it came from. */
const structuredCopy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function complete(recorder: Recorder, schedule: JobSchedule): void {
  schedule.endTime = recorder.now;
  endPool(recorder, schedule);
  delete schedule.nextRunTime;
  moveJobSchedule(recorder, schedule, 'completed');
}
