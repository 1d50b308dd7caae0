import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { Task } from '../../core/task/state.js';
import { latestAttempt, type Attempt } from '../../queries/task/list-attempts.js';
import type { Call } from '../call.js';
import { idOf } from './call-input.js';
import { LOG_FILES, openKeptLog, sendKept } from './kept-file.js';
import { sendFile } from './node-file.js';
import { taskView } from './task-view.js';

/**
 * Task_GetAttemptLog: the whole file while its node has it, else the last bytes that were kept.
 * @throws BatchError JobNotFound, TaskNotFound, FileNotFound, TaskFilesCleanedup
 */
export async function sendAttemptLog(call: Call): Promise<void> {
  const ids = { jobId: idOf(call, 'jobId'), taskId: idOf(call, 'taskId') };
  const { view, reader, nodeFiles } = call.ports;
  const job = view.jobs.get(jobKey(call.account, ids.jobId));
  if (job === undefined) throw new BatchError('JobNotFound');
  const key = taskKey(job.key, ids.taskId);
  const task = view.task(key) ?? (await reader.get('task', key));
  if (task === undefined) throw new BatchError('TaskNotFound');
  const file = idOf(call, 'filePath');
  const attempt = await findAttempt(call, task, idOf(call, 'attempt'));
  if (attempt === undefined || !LOG_FILES.includes(file)) throw fileNotFound(file);
  if (isOver(task, attempt, call.ports.clock.now())) throw new BatchError('TaskFilesCleanedup');
  // A directory is made afresh for each attempt: the node has the latest one's files only.
  const isThere = attempt.number === task.attempt && attempt.node === task.node;
  if (isThere && nodeFiles.isOnline(attempt.node)) return sendFile(call, await taskView(call, ids));
  const kept = await openKeptLog(call, job, task, attempt.number, file);
  if (kept === undefined) throw fileNotFound(file);
  await sendKept(call, kept);
}

const fileNotFound = (file: string) =>
  new BatchError('FileNotFound', [{ key: 'FilePath', value: file.slice(0, 200) }]);

async function findAttempt(
  call: Call,
  task: Readonly<Task>,
  text: string,
): Promise<Attempt | undefined> {
  if (!/^\d{1,9}$/.test(text)) return undefined;
  const number = Number(text);
  const latest = latestAttempt(task);
  if (latest?.number === number) return latest;
  const [past] = await call.ports.reader.attempts(task.key, number - 1, 1);
  return past?.number === number ? past : undefined;
}

/** The retention time of the task counts for each of its attempts, from the attempt's end. */
const isOver = (task: Readonly<Task>, { endTime }: Attempt, now: number): boolean =>
  endTime !== undefined &&
  task.retentionTimeMs !== undefined &&
  endTime + task.retentionTimeMs < now;
