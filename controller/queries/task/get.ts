import { BatchError } from '../../../protocol/batch/errors.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { GetInput, GetReply, QueryContext } from '../context.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { taskStats } from './stats.js';
import { cloudTask, TASK_PROPERTIES } from './wire.js';

/** Task_Get. @throws BatchError JobNotFound, TaskNotFound */
export async function taskGet(
  context: QueryContext,
  input: GetInput & { jobId: string; taskId: string },
): Promise<GetReply> {
  const { reader, baseUrl } = context;
  const select = parseSelect(input.select, TASK_PROPERTIES);
  const parent = jobKey(input.account, input.jobId);
  const key = taskKey(parent, input.taskId);
  const [job, task, bodies] = await Promise.all([
    reader.get('job', parent),
    reader.get('task', key),
    reader.taskBodies([key]),
  ]);
  if (job === undefined) throw new BatchError('JobNotFound');
  if (task === undefined) throw new BatchError('TaskNotFound');
  return {
    body: select({
      ...cloudTask(task, bodies.get(key), job, baseUrl),
      ...(wantsStats(input) && taskStats(context, task, job)),
    }),
    etag: etagOf(task),
    lastModified: task.lastModified,
  };
}
