import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, nodeKey, poolKey, startTaskRunsKey, taskKey } from '../../../protocol/keys.js';
import { jobNodeKey, specialRunsKey } from '../../../protocol/keys.js';
import type { NodeKey, RunsKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { Task } from '../../core/task/state.js';
import type { Attempt } from '../../queries/attempts.js';
import { latestStartTaskRun } from '../../queries/compute-node/list-start-task-attempts.js';
import { latestAttempt } from '../../queries/task/list-attempts.js';
import type { Call } from '../call.js';
import { idOf } from './call-input.js';
import { LOG_FILES, openKeptLog, sendKept, type KeptFile } from './kept-file.js';
import { sendFile } from './node-file.js';
import { taskView } from './task-view.js';

/**
 * Task_GetAttemptLog: the whole file while its node has it, else the last bytes that were kept.
 * @throws BatchError JobNotFound, TaskNotFound, FileNotFound, TaskFilesCleanedup
 */
export async function sendAttemptLog(call: Call): Promise<void> {
  const { job, task, attempt, file } = await findTaskAttempt(call);
  // A directory is made afresh for each attempt: the node has the latest one's files only.
  const isThere = attempt.number === task.attempt && attempt.node === task.node;
  if (isThere && call.ports.nodeFiles.isOnline(attempt.node)) {
    const ids = { jobId: idOf(call, 'jobId'), taskId: idOf(call, 'taskId') };
    return sendFile(call, await taskView(call, ids));
  }
  await sendKeptOr404(call, await openKeptLog(call, job, task, attempt.number, file), file);
}

/**
 * Task_GetSubtaskAttemptLog: the same of another part of a multi-instance attempt.
 * @throws BatchError as above
 */
export async function sendSubtaskAttemptLog(call: Call): Promise<void> {
  const { job, task, attempt, file } = await findTaskAttempt(call);
  const subtask = attempt.subtasks?.find(({ id }) => String(id) === idOf(call, 'subtaskId'));
  if (subtask === undefined) throw fileNotFound(file);
  const { number } = attempt;
  if (number === task.attempt && call.ports.nodeFiles.isOnline(subtask.node)) {
    const directory = `workitems/${job.folder}/${task.id}/${String(subtask.id)}`;
    return sendNodeFile(call, subtask.node, attempt.poolId, subtask.nodeId, directory);
  }
  const of = { kind: 'task', task: task.key, job, attempt: number, subtask: subtask.id } as const;
  await sendKeptOr404(call, await call.ports.keptLogs?.open(of, file), file);
}

/**
 * Job_GetSpecialTaskAttemptLog: the same of a run of a job preparation or release task.
 * @throws BatchError JobNotFound, FileNotFound
 */
export async function sendSpecialTaskAttemptLog(call: Call): Promise<void> {
  const { view } = call.ports;
  const job = view.jobs.get(jobKey(call.account, idOf(call, 'jobId')));
  if (job === undefined) throw new BatchError('JobNotFound');
  const file = readFile(call);
  const node = nodeKey(poolKey(call.account, idOf(call, 'poolId')), idOf(call, 'nodeId'));
  const kind = idOf(call, 'kind');
  if (kind !== 'preparation' && kind !== 'release') throw fileNotFound(file);
  const runs = specialRunsKey(jobNodeKey(job.key, node), kind);
  const run = await pastAttempt(call, runs);
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  const id = (kind === 'preparation' ? jobPreparationTask : jobReleaseTask)?.id;
  if (run === undefined || id === undefined) throw fileNotFound(file);
  const latest = view.jobNode(job.key, node)?.[kind];
  if (latest?.attempt === run.number && call.ports.nodeFiles.isOnline(node))
    return sendNodeFile(call, node, run.poolId, run.nodeId, `workitems/${job.folder}/${id}`);
  const of = { kind: 'special', runs, job, attempt: run.number } as const;
  await sendKeptOr404(call, await call.ports.keptLogs?.open(of, file), file);
}

/**
 * ComputeNode_GetStartTaskAttemptLog: the same of a run of a start task, also where the node is gone.
 * @throws BatchError FileNotFound
 */
export async function sendStartTaskAttemptLog(call: Call): Promise<void> {
  const [poolId, file] = [idOf(call, 'poolId'), readFile(call)];
  const key = nodeKey(poolKey(call.account, poolId), idOf(call, 'nodeId'));
  const node = call.ports.view.nodes.get(key);
  const latest = node === undefined ? undefined : latestStartTaskRun(node, poolId);
  const isLatest = latest !== undefined && String(latest.number) === idOf(call, 'attempt');
  const run = isLatest ? latest : await pastAttempt(call, startTaskRunsKey(key));
  if (run === undefined) throw fileNotFound(file);
  if (isLatest && call.ports.nodeFiles.isOnline(key))
    return sendNodeFile(call, key, poolId, run.nodeId, 'startup');
  const { incarnation = 0, retryCount = 0 } = run;
  const of = { kind: 'boot', node: key, incarnation, run: retryCount } as const;
  await sendKeptOr404(call, await call.ports.keptLogs?.open(of, file), file);
}

async function findTaskAttempt(
  call: Call,
): Promise<{ job: Readonly<Job>; task: Readonly<Task>; attempt: Attempt; file: string }> {
  const { view, reader } = call.ports;
  const job = view.jobs.get(jobKey(call.account, idOf(call, 'jobId')));
  if (job === undefined) throw new BatchError('JobNotFound');
  const key = taskKey(job.key, idOf(call, 'taskId'));
  const task = view.task(key) ?? (await reader.get('task', key));
  if (task === undefined) throw new BatchError('TaskNotFound');
  const file = readFile(call);
  const latest = latestAttempt(task);
  const isLatest = String(latest?.number) === idOf(call, 'attempt');
  const attempt = isLatest ? latest : await pastAttempt(call, key);
  if (attempt === undefined) throw fileNotFound(file);
  if (isOver(task, attempt, call.ports.clock.now())) throw new BatchError('TaskFilesCleanedup');
  return { job, task, attempt, file };
}

function readFile(call: Call): string {
  const file = idOf(call, 'filePath');
  if (!LOG_FILES.includes(file)) throw fileNotFound(file);
  return file;
}

const fileNotFound = (file: string) =>
  new BatchError('FileNotFound', [{ key: 'FilePath', value: file.slice(0, 200) }]);

async function pastAttempt(call: Call, runs: RunsKey): Promise<Attempt | undefined> {
  const text = idOf(call, 'attempt');
  if (!/^\d{1,9}$/.test(text)) return undefined;
  const number = Number(text);
  const [past] = await call.ports.reader.attempts(runs, number - 1, 1);
  return past?.number === number ? past : undefined;
}

async function sendKeptOr404(call: Call, kept: KeptFile | undefined, file: string): Promise<void> {
  if (kept === undefined) throw fileNotFound(file);
  await sendKept(call, kept);
}

const sendNodeFile = (
  call: Call,
  node: NodeKey,
  poolId: string,
  nodeId: string,
  directory: string,
): Promise<void> =>
  sendFile(call, {
    node,
    directory,
    url: `${call.baseUrl}/pools/${poolId}/nodes/${nodeId}/files/${directory}`,
    unavailable: (error) => error,
  });

/** The retention time of the task counts for each of its attempts, from the attempt's end. */
const isOver = (task: Readonly<Task>, { endTime }: Attempt, now: number): boolean =>
  endTime !== undefined &&
  task.retentionTimeMs !== undefined &&
  endTime + task.retentionTimeMs < now;
