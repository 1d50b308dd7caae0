import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import type { Task } from '../task/state.js';
import type { Node } from './state.js';

const RECENT_MAXIMUM = 10;

/** Keeps how a task of the node now stands, in front of those before it. */
export function noteRecentTask(recorder: Recorder, node: Node, job: Job, task: Task): void {
  const others = (node.recentTasks ?? []).filter(
    ({ jobId, taskId }) => taskId !== task.id || jobId !== job.id,
  );
  const { state: taskState, execution } = task;
  const recent = { jobId: job.id, taskId: task.id, taskState, execution: { ...execution } };
  node.recentTasks = [recent, ...others].slice(0, RECENT_MAXIMUM);
  recorder.changed('node', node);
}
