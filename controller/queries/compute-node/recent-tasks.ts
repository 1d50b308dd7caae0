import { jobKey, taskKey, type TaskKey } from '../../../protocol/keys.js';
import type { RecentTask } from '../../core/node/state.js';
import type { Task } from '../../core/task/state.js';
import type { Rows } from '../../engine/ports.js';
import type { Reader } from '../../engine/reader.js';
import { executionInfo } from '../task/execution-info.js';
import { selectedNames } from '../select.js';
import { present, urlOf } from '../wire.js';

type NodeRow = Rows['node']['row'];

const keyOf = ({ account }: NodeRow, { jobId, taskId }: RecentTask) =>
  taskKey(jobKey(account, jobId), taskId);

/** The tasks that ran last on the nodes, as they stand now, but for those that were deleted since; none where `$select` leaves them out. */
export async function recentTasksOf(
  reader: Reader,
  nodes: readonly NodeRow[],
  select: string | undefined,
): Promise<ReadonlyMap<TaskKey, Task>> {
  if (selectedNames(select)?.includes('recentTasks') === false) return new Map();
  const keys = nodes.flatMap((node) =>
    (node.recentTasks ?? []).map((recent) => keyOf(node, recent)),
  );
  if (keys.length === 0) return new Map();
  return new Map((await reader.tasks([...new Set(keys)])).map((task) => [task.key, task]));
}

/** TaskInformation of each, the newest first. Of one that was deleted there is its name, and that it is over. */
export const recentTasks = (
  node: NodeRow,
  tasks: ReadonlyMap<TaskKey, Task>,
  baseUrl: string,
): object[] | undefined =>
  node.recentTasks?.map((recent) => {
    const { jobId, taskId, subtaskId } = recent;
    const task = tasks.get(keyOf(node, recent));
    const run = task && runOf(task, subtaskId);
    return present({
      taskUrl: urlOf(baseUrl, 'jobs', jobId, 'tasks', taskId),
      jobId,
      taskId,
      subtaskId,
      taskState: run?.state ?? 'completed',
      executionInfo: run && executionInfo(run),
    });
  });

/** The task, or one of its parts beside the primary: those have no counts of their own. */
function runOf(
  task: Task,
  subtaskId: number | undefined,
): Pick<Task, 'state' | 'execution'> | undefined {
  if (subtaskId === undefined || subtaskId === 0) return task;
  const { retryCount, requeueCount } = task.execution;
  const part = task.subtasks?.find(({ id }) => id === subtaskId);
  return part && { state: part.state, execution: { retryCount, requeueCount, ...part } };
}
