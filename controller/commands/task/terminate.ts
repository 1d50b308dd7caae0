import { BatchError } from '../../../protocol/batch/errors.js';
import { terminateTask } from '../../core/task/remove.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findTask, keyOfTask, type BodyLess } from '../find.js';

/** Task_Terminate: completed with TaskEnded, at once where nothing runs. */
export const taskTerminate = ({
  account,
  jobId,
  taskId,
  conditions,
}: BodyLess & { jobId: string; taskId: string }): Command<EntityReply> => ({
  name: 'taskTerminate',
  loads: [keyOfTask(account, jobId, taskId)],
  run(transaction) {
    const task = findTask(transaction, account, jobId, taskId);
    checkConditions(conditions, task);
    if (task.state === 'completed') throw new BatchError('TaskCompleted');
    terminateTask(transaction, task);
    return entityReply(task);
  },
});
