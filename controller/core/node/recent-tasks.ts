import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import type { Task } from '../task/state.js';
import type { Node, RecentTask } from './state.js';

const RECENT_MAXIMUM = 10;

/**
 * Puts a task that began or ended on the node in front of those before it.
 * @param subtaskId which part of a multi-instance task it was; left out: the primary
 */
export function noteRecentTask(
  recorder: Recorder,
  node: Node,
  job: Job,
  task: Task,
  subtaskId = task.instances === undefined ? undefined : 0,
): void {
  const recent = {
    ...{ jobId: job.id, taskId: task.id },
    ...(subtaskId === undefined ? {} : { subtaskId }),
  };
  const before = node.recentTasks ?? [];
  const isSame = (one: RecentTask) =>
    one.taskId === task.id && one.jobId === job.id && one.subtaskId === subtaskId;
  if (before[0] !== undefined && isSame(before[0])) return;
  node.recentTasks = [recent, ...before.filter((one) => !isSame(one))].slice(0, RECENT_MAXIMUM);
  recorder.changed('node', node);
}
