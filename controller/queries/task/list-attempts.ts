import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { PastAttempt } from '../../core/task/history.js';
import type { Task } from '../../core/task/state.js';
import { affinityId } from '../compute-node/wire.js';
import type { ListInput, QueryContext } from '../context.js';
import { page } from '../paging.js';
import type { ListReply } from '../paging.js';
import { failureOf, present, timeOf, urlOf } from '../wire.js';

/** An attempt that is over, or the latest one, which the task itself tells. */
export type Attempt = Omit<PastAttempt, 'end' | 'result' | 'endTime'> &
  Partial<Pick<PastAttempt, 'result' | 'endTime'>> & { end?: PastAttempt['end'] | 'completed' };

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
  const { rows, ...more } = await page(`attempts of ${key}`, input, async (after, limit) => {
    const past: Attempt[] = await reader.attempts(key, Number(after ?? 0), limit);
    const latest = latestAttempt(task);
    const known = past.at(-1)?.number ?? Number(after ?? 0);
    const found =
      latest !== undefined && past.length < limit && latest.number > known
        ? [...past, latest]
        : past;
    return found.map((attempt) => ({ ...attempt, key: `${key}/${String(attempt.number)}` }));
  });
  return { value: rows.map((attempt) => wireAttempt(attempt, job, task, baseUrl)), ...more };
}

/** The present or last attempt of a task, once it has begun. */
export function latestAttempt(task: Readonly<Task>): Attempt | undefined {
  const { node, nodeId, poolId, execution, attempt: number, key } = task;
  const { startTime, endTime, exitCode, failureInfo, result } = execution;
  if (node === undefined || nodeId === undefined || poolId === undefined) return undefined;
  if (startTime === undefined) return undefined;
  const attempt = { task: key, number, node, nodeId, poolId, startTime };
  if (task.state !== 'completed') return attempt;
  return {
    ...attempt,
    end: 'completed',
    ...(endTime === undefined ? {} : { endTime }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failureInfo === undefined ? {} : { failureInfo }),
    ...(result === undefined ? {} : { result }),
  };
}

function wireAttempt(attempt: Attempt, job: Job, task: Task, baseUrl: string): object {
  const { number, nodeId, poolId, end, startTime, endTime, exitCode, failureInfo, result } =
    attempt;
  const url = urlOf(baseUrl, 'jobs', job.id, 'tasks', task.id);
  return present({
    attempt: number,
    state: end === undefined ? 'running' : 'completed',
    end,
    nodeInfo: {
      affinityId: affinityId(nodeId),
      nodeUrl: urlOf(baseUrl, 'pools', poolId, 'nodes', nodeId),
      poolId,
      nodeId,
    },
    startTime: timeOf(startTime),
    endTime: timeOf(endTime),
    exitCode,
    failureInfo: failureOf(failureInfo),
    result,
    logs: ['stdout.txt', 'stderr.txt'].map((name) => ({
      name,
      url: `${url}/attempts/${String(number)}/files/${name}`,
    })),
  });
}
