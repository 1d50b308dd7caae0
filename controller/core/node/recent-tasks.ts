import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import type { Task } from '../task/state.js';
import type { Node, RecentTask } from './state.js';

const RECENT_MAXIMUM = 10;

/** Puts a task that began or ended on the node in front of those before it. */
export function noteRecentTask(recorder: Recorder, node: Node, job: Job, task: Task): void {
  const before = node.recentTasks ?? [];
  const isSame = ({ jobId, taskId }: RecentTask) => taskId === task.id && jobId === job.id;
  if (before[0] !== undefined && isSame(before[0])) return;
  const others = before.filter((recent) => !isSame(recent));
  node.recentTasks = [{ jobId: job.id, taskId: task.id }, ...others].slice(0, RECENT_MAXIMUM);
  recorder.changed('node', node);
}
