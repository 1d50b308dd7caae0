import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { Task } from '../../core/task/state.js';
import type { Call } from '../call.js';
import { LOG_FILES, openKeptLog } from './kept-file.js';
import type { FileView } from './node-file.js';

/** A task from memory, or, once completed, from the store. */
async function findTask(call: Call, ids: { jobId: string; taskId: string }) {
  const { view, reader } = call.ports;
  const job = view.jobs.get(jobKey(call.account, ids.jobId));
  if (job === undefined) throw new BatchError('JobNotFound');
  const key = taskKey(job.key, ids.taskId);
  const task = view.task(key) ?? (await reader.get('task', key));
  if (task === undefined) throw new BatchError('TaskNotFound');
  return { job, task };
}

const retentionOver = (task: Readonly<Task>, now: number): boolean =>
  task.execution.endTime !== undefined &&
  task.retentionTimeMs !== undefined &&
  task.execution.endTime + task.retentionTimeMs < now;

/** Names the file as the view does, not from the root of the node. */
const notFoundIn = (directory: string, { code, values }: BatchError): BatchError =>
  new BatchError(
    code,
    values.map(({ key, value }) => ({
      key,
      value: value.startsWith(`${directory}/`) ? value.slice(directory.length + 1) : value,
    })),
  );

/** The files of a task from its own directory: `stdout.txt`, `stderr.txt`, `wd` … */
export async function taskView(
  call: Call,
  ids: { jobId: string; taskId: string },
): Promise<FileView> {
  const { job, task } = await findTask(call, ids);
  const { node } = task;
  if (node === undefined || task.attempt === 0) throw new BatchError('TaskFilesUnavailable');
  const directory = `workitems/${job.folder}/${task.id}`;
  return {
    node,
    directory,
    url: `${call.baseUrl}/jobs/${job.id}/tasks/${task.id}/files`,
    async kept(path) {
      const wanted = LOG_FILES.includes(path) && !retentionOver(task, call.ports.clock.now());
      return wanted ? openKeptLog(call, job, task, task.attempt, path) : undefined;
    },
    unavailable(error) {
      if (error.code === 'NodeNotReady') return new BatchError('TaskFilesUnavailable');
      if (error.code !== 'FileNotFound') return error;
      // It has its node, but no directory there yet.
      if (task.execution.startTime === undefined) return new BatchError('TaskFilesUnavailable');
      return retentionOver(task, call.ports.clock.now())
        ? new BatchError('TaskFilesCleanedup')
        : notFoundIn(directory, error);
    },
  };
}
