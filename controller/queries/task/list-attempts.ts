import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { Task } from '../../core/task/state.js';
import { pageOfAttempts, wireAttempt, type Attempt } from '../attempts.js';
import type { ListInput, QueryContext } from '../context.js';
import type { ListReply } from '../paging.js';
import { urlOf } from '../wire.js';

/** Task_ListAttempts: those that began, the newest last. @throws BatchError JobNotFound, TaskNotFound */
export async function taskListAttempts(
  { reader, baseUrl }: QueryContext,
  input: ListInput & { jobId: string; taskId: string },
): Promise<ListReply> {
  const parent = jobKey(input.account, input.jobId);
  const key = taskKey(parent, input.taskId);
  const job = await reader.get('job', parent);
  if (job === undefined) throw new BatchError('JobNotFound');
  const task = await reader.get('task', key);
  if (task === undefined) throw new BatchError('TaskNotFound');
  const { rows, ...more } = await pageOfAttempts(reader, input, key, latestAttempt(task));
  const url = urlOf(baseUrl, 'jobs', job.id, 'tasks', task.id, 'attempts');
  const value = rows.map((row) => wireAttempt(row, baseUrl, `${url}/${String(row.number)}`));
  return { value, ...more };
}

/** The present or last attempt of a task, once it has begun. */
export function latestAttempt(task: Readonly<Task>): Attempt | undefined {
  const { node, nodeId, poolId, execution, attempt: number, key } = task;
  const { startTime, endTime, exitCode, failureInfo, result, used } = execution;
  if (node === undefined || nodeId === undefined || poolId === undefined) return undefined;
  if (startTime === undefined) return undefined;
  const subtasks = task.subtasks?.filter((one) => one.startTime !== undefined) ?? [];
  const parts = subtasks.length === 0 ? {} : { subtasks };
  const attempt = { task: key, number, node, nodeId, poolId, startTime, ...parts };
  if (task.state !== 'completed') return attempt;
  return {
    ...attempt,
    end: 'completed',
    ...(endTime === undefined ? {} : { endTime }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failureInfo === undefined ? {} : { failureInfo }),
    ...(result === undefined ? {} : { result }),
    ...(used === undefined ? {} : { used }),
  };
}
