import type { JobPatch } from '../../../protocol/batch/job.js';
import { checkConditions, type Command, type EntityReply } from '../../engine/command.js';
import { findJob, type Input } from '../find.js';
import { changeJob } from './change.js';

/** Job_Patch: replaces the named properties. */
export const jobPatch = ({
  account,
  jobId,
  conditions,
  body,
}: Input<JobPatch> & { jobId: string }): Command<EntityReply> => ({
  name: 'jobPatch',
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    checkConditions(conditions, job);
    return changeJob(transaction, job, body);
  },
});
