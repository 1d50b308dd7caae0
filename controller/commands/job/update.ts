import type { JobUpdate } from '../../../protocol/batch/job.js';
import { checkConditions, type Command, type EntityReply } from '../../engine/command.js';
import { findJob, type Input } from '../find.js';
import { changeJob } from './change.js';

/** Job_Update: full replacement; what was absent came here as its default. */
export const jobUpdate = ({
  account,
  jobId,
  conditions,
  body,
}: Input<JobUpdate> & { jobId: string }): Command<EntityReply> => ({
  name: 'jobUpdate',
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    checkConditions(conditions, job);
    return changeJob(transaction, job, body);
  },
});
