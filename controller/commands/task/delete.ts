import { removeTask } from '../../core/task/remove.js';
import { checkConditions, type Command } from '../../engine/command.js';
import { findTask, keyOfTask, type BodyLess } from '../find.js';

/** Task_Delete: gone at once; what still runs of it is killed and its files go. */
export const taskDelete = ({
  account,
  jobId,
  taskId,
  conditions,
}: BodyLess & { jobId: string; taskId: string }): Command<void> => ({
  name: 'taskDelete',
  loads: [keyOfTask(account, jobId, taskId)],
  run(transaction) {
    const task = findTask(transaction, account, jobId, taskId);
    checkConditions(conditions, task);
    removeTask(transaction, task);
  },
});
