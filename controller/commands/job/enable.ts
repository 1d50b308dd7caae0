import { enableJob } from '../../core/job/disable.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { checkLive, findJob, type BodyLess } from '../find.js';

/** Job_Enable: its tasks are scheduled again; an active job stays as it is. */
export const jobEnable = ({
  account,
  jobId,
  conditions,
}: BodyLess & { jobId: string }): Command<EntityReply> => ({
  name: 'jobEnable',
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    checkConditions(conditions, job);
    checkLive(job);
    if (job.state !== 'active') {
      enableJob(transaction, job);
      transaction.touched('job', job);
    }
    return entityReply(job);
  },
});
