import type { JobAdd, JobManagerTask } from '../../../protocol/batch/job.js';
import type { TaskAdd } from '../../../protocol/batch/task.js';
import { jobKey, poolKey, type AccountKey, type JobScheduleKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import { addTask } from '../task/add.js';
import { makeAutoPool, type AutoPool } from './auto-pool.js';
import type { Job, TaskCounts } from './state.js';
import { moveJob } from './transition.js';

const noTasks = (): TaskCounts => ({
  active: 0,
  running: 0,
  completed: 0,
  succeeded: 0,
  failed: 0,
});

/** The pool a job names, whether it exists or not. */
export const poolOfJob = (account: AccountKey, specification: Pick<JobAdd, 'poolInfo'>) => {
  const { poolId } = specification.poolInfo;
  return poolId === undefined ? undefined : poolKey(account, poolId);
};

/** Adds a checked job; its job manager task is queued with it. */
export function addJob(
  recorder: Recorder,
  account: AccountKey,
  specification: JobAdd,
  schedule?: { key: JobScheduleKey; folder: string; autoPool?: AutoPool },
): Job {
  const { now } = recorder;
  const { autoPoolSpecification } = specification.poolInfo;
  const made =
    autoPoolSpecification === undefined
      ? undefined
      : (schedule?.autoPool ?? makeAutoPool(recorder, account, autoPoolSpecification));
  const autoPool = made !== undefined && 'key' in made ? made : undefined;
  const schedulingError = made !== undefined && 'code' in made ? made : undefined;
  const pool = autoPool?.key ?? poolOfJob(account, specification);
  const job: Job = {
    key: jobKey(account, specification.id),
    account,
    id: specification.id,
    specification,
    ...(pool === undefined ? {} : { pool }),
    ...(autoPool === undefined ? {} : { autoPoolId: autoPool.id }),
    ...(schedulingError === undefined ? {} : { schedulingError }),
    ...(schedule === undefined ? {} : { jobSchedule: schedule.key }),
    folder: schedule?.folder ?? `${specification.id}/job-1`,
    state: 'active',
    stateTransitionTime: now,
    startTime: now,
    nextTaskSequence: 1,
    taskCounts: noTasks(),
    taskSlotCounts: noTasks(),
    creationTime: now,
    lastModified: now,
    version: 1,
  };
  recorder.state.addJob(job);
  recorder.changed('job', job);
  recorder.state.toSettle.jobs.add(job.key);
  const manager = specification.jobManagerTask;
  if (manager !== undefined)
    addTask(recorder, job, asTask(manager), {
      isJobManager: true,
      runExclusive: manager.runExclusive,
      dedicatedOnly: !manager.allowLowPriorityNode,
    });
  if (schedulingError !== undefined) moveJob(recorder, job, 'terminating');
  return job;
}

/** A job manager task is a task of its job; what only it knows stays with the job. */
function asTask(manager: JobManagerTask): TaskAdd {
  return {
    id: manager.id,
    ...(manager.displayName === undefined ? {} : { displayName: manager.displayName }),
    commandLine: manager.commandLine,
    ...(manager.containerSettings === undefined
      ? {}
      : { containerSettings: manager.containerSettings }),
    ...(manager.resourceFiles === undefined ? {} : { resourceFiles: manager.resourceFiles }),
    ...(manager.outputFiles === undefined ? {} : { outputFiles: manager.outputFiles }),
    ...(manager.environmentSettings === undefined
      ? {}
      : { environmentSettings: manager.environmentSettings }),
    constraints: manager.constraints,
    requiredSlots: manager.requiredSlots,
    userIdentity: manager.userIdentity,
    ...(manager.applicationPackageReferences === undefined
      ? {}
      : { applicationPackageReferences: manager.applicationPackageReferences }),
    ...(manager.authenticationTokenSettings === undefined
      ? {}
      : { authenticationTokenSettings: manager.authenticationTokenSettings }),
  };
}
