import { BatchError } from '../../../protocol/batch/errors.js';
import type { TaskAdd, TaskAddCollection } from '../../../protocol/batch/task.js';
import { addTask } from '../../core/task/add.js';
import type { Job } from '../../core/job/state.js';
import {
  entityReply,
  type Command,
  type EntityReply,
  type Transaction,
} from '../../engine/command.js';
import { findLiveJob, keyOfTask, type Input } from '../find.js';
import { checkTask } from './check.js';

/** What became of one task of a collection. */
export type TaskAddResult =
  | ({ status: 'success'; taskId: string } & Omit<EntityReply, 'id'>)
  | { status: 'clienterror'; taskId: string; error: BatchError };

/** Task_AddCollection: each task has a result of its own; what is wrong with the job refuses the call. */
export const taskAddCollection = ({
  account,
  jobId,
  body,
}: Input<TaskAddCollection> & { jobId: string }): Command<TaskAddResult[]> => ({
  name: 'taskAddCollection',
  loads: body.value.map((task) => keyOfTask(account, jobId, task.id)),
  run(transaction) {
    const job = findLiveJob(transaction, account, jobId);
    return body.value.map((task) => addOne(transaction, job, task));
  },
});

function addOne(transaction: Transaction, job: Job, body: TaskAdd): TaskAddResult {
  try {
    checkTask(transaction, job, body);
  } catch (error) {
    if (error instanceof BatchError) return { status: 'clienterror', taskId: body.id, error };
    throw error;
  }
  const { etag, lastModified } = entityReply(addTask(transaction, job, body));
  return { status: 'success', taskId: body.id, etag, lastModified };
}
