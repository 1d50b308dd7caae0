import { BatchError } from '../../../protocol/batch/errors.js';
import { reactivateTask } from '../../core/task/remove.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findLiveJob, findTask, keyOfTask, type BodyLess } from '../find.js';

/** Task_Reactivate: a failed task of a live job runs again with a whole retry budget. */
export const taskReactivate = ({
  account,
  jobId,
  taskId,
  conditions,
}: BodyLess & { jobId: string; taskId: string }): Command<EntityReply> => ({
  name: 'taskReactivate',
  loads: [keyOfTask(account, jobId, taskId)],
  run(transaction) {
    const task = findTask(transaction, account, jobId, taskId);
    checkConditions(conditions, task);
    if (task.state !== 'completed') throw new BatchError('TaskNotCompleted');
    if (task.execution.result === 'success') throw new BatchError('TaskSucceeded');
    findLiveJob(transaction, account, jobId);
    reactivateTask(transaction, task);
    return entityReply(task);
  },
});
