import type { JobTerminate } from '../../../protocol/batch/job.js';
import { terminateJob } from '../../core/job/terminate.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { checkLive, findJob, type Input } from '../find.js';

/** Job_Terminate: running tasks are killed, active ones stay active and never run. */
export const jobTerminate = ({
  account,
  jobId,
  conditions,
  body,
}: Omit<Input, 'body'> & { jobId: string; body?: JobTerminate }): Command<EntityReply> => ({
  name: 'jobTerminate',
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    checkConditions(conditions, job);
    checkLive(job);
    terminateJob(transaction, job, body?.terminateReason ?? 'UserTerminate');
    transaction.touched('job', job);
    return entityReply(job);
  },
});
