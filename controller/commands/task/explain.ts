import type { Reason } from '../../../protocol/batch/explain.js';
import { explainTask } from '../../core/explain/task.js';
import type { Command } from '../../engine/command.js';
import { findJob, findTask, keyOfTask, type BodyLess } from '../find.js';

/**
 * Task_Explain: why the task is where it is. A command that changes nothing, as what it asks is in memory.
 * `unknown` are ids that the task waits for and of which memory has no task.
 */
export const taskExplain = ({
  account,
  jobId,
  taskId,
}: BodyLess & { jobId: string; taskId: string }): Command<{
  id: string;
  state: string;
  reasons: Reason[];
  unknown: string[];
}> => ({
  name: 'taskExplain',
  loads: [keyOfTask(account, jobId, taskId)],
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    const task = findTask(transaction, account, jobId, taskId);
    const { id, state } = task;
    return { id, state, ...explainTask(transaction, job, task) };
  },
});
