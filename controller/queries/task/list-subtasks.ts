import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { GetInput, QueryContext } from '../context.js';
import type { ListReply } from '../paging.js';
import { parseSelect } from '../select.js';

const SUBTASK_PROPERTIES = [
  'id',
  'nodeInfo',
  'startTime',
  'endTime',
  'exitCode',
  'containerInfo',
  'failureInfo',
  'state',
  'stateTransitionTime',
  'previousState',
  'previousStateTransitionTime',
  'result',
] as const;

/**
 * Task_ListSubtasks: a task that is not multi-instance has none, and the primary is not among them.
 * @throws BatchError JobNotFound, TaskNotFound
 */
export async function taskListSubtasks(
  context: QueryContext,
  input: GetInput & { jobId: string; taskId: string },
): Promise<ListReply> {
  parseSelect(input.select, SUBTASK_PROPERTIES);
  const parent = jobKey(input.account, input.jobId);
  if ((await context.reader.get('job', parent)) === undefined) throw new BatchError('JobNotFound');
  const task = await context.reader.get('task', taskKey(parent, input.taskId));
  if (task === undefined) throw new BatchError('TaskNotFound');
  return { value: [] };
}
