import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskReactivate } from '../../controller/commands/task/reactivate.js';
import { taskTerminate } from '../../controller/commands/task/terminate.js';
import { taskUpdate } from '../../controller/commands/task/update.js';
import { TaskUpdate } from '../../protocol/batch/task.js';
import { jobOf, type TaskKey } from '../../protocol/keys.js';
import type { Action } from './actions.js';
import { ACCOUNT, type Workload } from './workload.js';

function anyTask({ world, random }: Workload) {
  const task = random.pick([...world.committed.tables.task.values()]);
  const job = task === undefined ? undefined : world.committed.tables.job.get(jobOf(task.key));
  return task === undefined || job === undefined
    ? undefined
    : { task, path: { account: ACCOUNT, jobId: job.id, taskId: task.id } };
}

function terminate(workload: Workload): void {
  const any = anyTask(workload);
  if (any !== undefined) workload.client.send(taskTerminate(any.path));
}

function remove(workload: Workload): void {
  const any = anyTask(workload);
  if (any === undefined) return;
  workload.world.acknowledged.askedToDelete(any.task.key);
  workload.client.send(taskDelete(any.path));
}

function reactivate(workload: Workload): void {
  const { world, random, client } = workload;
  const failed = [...world.committed.tables.task.values()].filter(
    (task) => task.execution.result === 'failure',
  );
  const task = random.pick(failed);
  const job =
    task === undefined ? undefined : world.committed.tables.job.get(jobOf(task.key as TaskKey));
  if (task === undefined || job === undefined) return;
  world.acknowledged.askedToReactivate(task.key);
  client.send(taskReactivate({ account: ACCOUNT, jobId: job.id, taskId: task.id }));
}

function update(workload: Workload): void {
  const any = anyTask(workload);
  if (any === undefined) return;
  const maxTaskRetryCount = workload.random.int(0, 4);
  const body = TaskUpdate.parse({ constraints: { maxTaskRetryCount } });
  workload.client.send(taskUpdate({ ...any.path, body }));
}

export const taskActions: Action[] = [
  { weight: 0.75, feature: 'terminations', act: terminate },
  { weight: 0.75, feature: 'deletions', act: remove },
  { weight: 0.5, feature: 'retries', act: reactivate },
  { weight: 0.35, feature: 'patches', act: update },
];
