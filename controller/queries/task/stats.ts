import type { Job } from '../../core/job/state.js';
import type { Task } from '../../core/task/state.js';
import type { QueryContext } from '../context.js';
import { taskStatistics } from '../statistics.js';

/** The property `stats` of a task, where there is something to tell. */
export function taskStats(context: QueryContext, task: Task, job: Job): { stats?: object } {
  const stats = taskStatistics(task, job, context);
  return stats === undefined ? {} : { stats };
}
