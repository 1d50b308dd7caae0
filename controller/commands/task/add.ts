import type { TaskAdd } from '../../../protocol/batch/task.js';
import { addTask } from '../../core/task/add.js';
import { entityReply, type Command, type EntityReply } from '../../engine/command.js';
import { findLiveJob, keyOfTask, type Input } from '../find.js';
import { checkTask } from './check.js';

/** Task_Add: queued at once unless it depends on others. */
export const taskAdd = ({
  account,
  jobId,
  body,
}: Input<TaskAdd> & { jobId: string }): Command<EntityReply> => ({
  name: 'taskAdd',
  loads: [keyOfTask(account, jobId, body.id)],
  run(transaction) {
    const job = findLiveJob(transaction, account, jobId);
    checkTask(transaction, job, body);
    return entityReply(addTask(transaction, job, body));
  },
});
