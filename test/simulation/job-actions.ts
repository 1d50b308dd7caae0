import { jobScheduleDelete } from '../../controller/commands/job-schedule/delete.js';
import { jobScheduleDisable } from '../../controller/commands/job-schedule/disable.js';
import { jobScheduleEnable } from '../../controller/commands/job-schedule/enable.js';
import { jobScheduleTerminate } from '../../controller/commands/job-schedule/terminate.js';
import { jobDelete } from '../../controller/commands/job/delete.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { jobPatch } from '../../controller/commands/job/patch.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { JobPatch } from '../../protocol/batch/job.js';
import type { Action } from './actions.js';
import { ACCOUNT, type Workload } from './workload.js';

function anyJob({ world, random }: Workload) {
  const job = random.pick([...world.committed.tables.job.values()]);
  return job === undefined ? undefined : { job, path: { account: ACCOUNT, jobId: job.id } };
}

function disable(workload: Workload): void {
  const any = anyJob(workload);
  if (any === undefined) return;
  const disableTasks = workload.random.pick(['requeue', 'terminate', 'wait']);
  workload.client.send(jobDisable({ ...any.path, body: { disableTasks } }));
}

function enable(workload: Workload): void {
  const any = anyJob(workload);
  if (any !== undefined) workload.client.send(jobEnable(any.path));
}

function terminate(workload: Workload): void {
  const any = anyJob(workload);
  if (any === undefined) return;
  const { creationTime, key } = any.job;
  workload.client.send(jobTerminate(any.path), () => {
    // An answer may come when the job is gone and another has its name.
    if (workload.world.committed.tables.job.get(key)?.creationTime === creationTime)
      workload.world.acknowledged.terminated.set(key, creationTime);
  });
}

function remove(workload: Workload): void {
  const any = anyJob(workload);
  if (any === undefined) return;
  workload.world.acknowledged.askedToDelete(any.job.key);
  workload.client.send(jobDelete(any.path));
}

function patch(workload: Workload): void {
  const any = anyJob(workload);
  if (any === undefined) return;
  const { random, world } = workload;
  const poolId = `pool${random.int(1, world.options.poolsMaximum)}`;
  const body = JobPatch.parse({
    priority: random.int(-2, 2) * 100,
    ...(random.chance(0.3) ? { maxParallelTasks: random.pick([-1, 1, 3]) } : {}),
    ...(any.job.state === 'disabled' ? { poolInfo: { poolId } } : {}),
  });
  workload.client.send(jobPatch({ ...any.path, body }));
}

export const jobActions: Action[] = [
  { weight: 0.75, feature: 'disables', act: disable },
  { weight: 2, feature: 'disables', act: enable },
  { weight: 0.15, feature: 'terminations', act: terminate },
  { weight: 0.2, feature: 'deletions', act: remove },
  { weight: 0.5, feature: 'patches', act: patch },
];

function anyJobSchedule({ world, random }: Workload) {
  const schedule = random.pick([...world.committed.tables.jobSchedule.values()]);
  return schedule === undefined
    ? undefined
    : { schedule, path: { account: ACCOUNT, jobScheduleId: schedule.id } };
}

function changeSchedule(workload: Workload): void {
  const any = anyJobSchedule(workload);
  if (any === undefined) return;
  workload.client.send(
    any.schedule.state === 'active' ? jobScheduleDisable(any.path) : jobScheduleEnable(any.path),
  );
}

function terminateSchedule(workload: Workload): void {
  const any = anyJobSchedule(workload);
  if (any !== undefined) workload.client.send(jobScheduleTerminate(any.path));
}

function removeSchedule(workload: Workload): void {
  const any = anyJobSchedule(workload);
  if (any === undefined) return;
  workload.world.acknowledged.askedToDelete(any.schedule.key);
  workload.client.send(jobScheduleDelete(any.path));
}

export const jobScheduleActions: Action[] = [
  { weight: 0.25, feature: 'jobSchedules', act: changeSchedule },
  { weight: 0.1, feature: 'jobSchedules', act: terminateSchedule },
  { weight: 0.15, feature: 'jobSchedules', act: removeSchedule },
];
