import { BatchError } from '../../../protocol/batch/errors.js';
import { deleteJob } from '../../core/job/settle.js';
import { checkConditions, type Command } from '../../engine/command.js';
import { findJob, type BodyLess } from '../find.js';

/** Job_Delete: in any state but deleting; tasks, their files and the job go. */
export const jobDelete = ({
  account,
  jobId,
  conditions,
}: BodyLess & { jobId: string }): Command<void> => ({
  name: 'jobDelete',
  run(transaction) {
    const job = findJob(transaction, account, jobId);
    checkConditions(conditions, job);
    if (job.state === 'deleting') throw new BatchError('JobBeingDeleted');
    deleteJob(transaction, job);
  },
});
