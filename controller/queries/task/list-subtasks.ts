import { propertiesOf } from '../../../protocol/batch/entities.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { Subtask, Task } from '../../core/task/state.js';
import { affinityId } from '../compute-node/wire.js';
import type { GetInput, QueryContext } from '../context.js';
import type { ListReply } from '../paging.js';
import { parseSelect } from '../select.js';
import { failureOf, present, stateOf, timeOf, urlOf } from '../wire.js';

const SUBTASK_PROPERTIES = propertiesOf('SubtaskInformation');

/**
 * Task_ListSubtasks: those of the latest attempt, without the primary. A task that is not multi-instance
 * has none.
 * @throws BatchError JobNotFound, TaskNotFound
 */
export async function taskListSubtasks(
  context: QueryContext,
  input: GetInput & { jobId: string; taskId: string },
): Promise<ListReply> {
  const { reader, baseUrl } = context;
  const select = parseSelect(input.select, SUBTASK_PROPERTIES);
  const parent = jobKey(input.account, input.jobId);
  const job = await reader.get('job', parent);
  if (job === undefined) throw new BatchError('JobNotFound');
  const task = await reader.get('task', taskKey(parent, input.taskId));
  if (task === undefined) throw new BatchError('TaskNotFound');
  const subtasks = task.subtasks ?? [];
  return { value: subtasks.map((one) => select(subtaskInformation(one, task, job, baseUrl))) };
}

function subtaskInformation(subtask: Subtask, task: Task, job: Job, baseUrl: string): object {
  const { poolId = '' } = task;
  const { id, nodeId, state } = subtask;
  const nodeUrl = urlOf(baseUrl, 'pools', poolId, 'nodes', nodeId);
  const taskRootDirectory = `workitems/${job.folder}/${task.id}/${id}`;
  const completed = state === 'completed';
  return present({
    id,
    nodeInfo: {
      affinityId: affinityId(nodeId),
      nodeUrl,
      poolId,
      nodeId,
      taskRootDirectory,
      taskRootDirectoryUrl: `${nodeUrl}/files/${taskRootDirectory}`,
    },
    startTime: timeOf(subtask.startTime),
    endTime: completed ? timeOf(subtask.endTime) : undefined,
    exitCode: completed ? subtask.exitCode : undefined,
    containerInfo: completed ? subtask.containerInfo : undefined,
    failureInfo: completed ? failureOf(subtask.failureInfo) : undefined,
    ...stateOf(subtask),
    result: completed ? subtask.result : undefined,
  });
}
