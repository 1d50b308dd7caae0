import { findJob, keyOfTask, type BodyLess } from '../find.js';
import { factoryOfTask, makeAhead } from '../../core/task-factory/unfold.js';
import type { Command } from '../../engine/command.js';

/** Makes a task that its factory has accepted and not made yet; false where there is no such task. */
export const taskUnfold = ({
  account,
  jobId,
  taskId,
}: BodyLess & { jobId: string; taskId: string }): Command<boolean> => ({
  name: 'taskUnfold',
  run(transaction) {
    const { state } = transaction;
    const job = findJob(transaction, account, jobId);
    if (state.hasTask(keyOfTask(account, jobId, taskId))) return true;
    const found = job.state === 'deleting' ? undefined : factoryOfTask(state, job, taskId);
    if (found === undefined) return false;
    makeAhead(transaction, job, found);
    return true;
  },
});
