import type { JobDisable } from '../../../protocol/batch/job.js';
import { disableJob } from '../../core/job/disable.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { checkLive, findJob, type Input } from '../find.js';

/** Job_Disable: `disabling` at once, `disabled` when nothing of it runs. */
export const jobDisable = ({
  account,
  jobId,
  conditions,
  body,
}: Input<JobDisable> & { jobId: string }): Command<EntityReply> => ({
  name: 'jobDisable',
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    checkConditions(conditions, job);
    checkLive(job);
    disableJob(transaction, job, body.disableTasks);
    transaction.touched('job', job);
    return entityReply(job);
  },
});
