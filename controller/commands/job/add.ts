import { BatchError } from '../../../protocol/batch/errors.js';
import type { JobAdd } from '../../../protocol/batch/job.js';
import { jobKey, jobScheduleKey } from '../../../protocol/keys.js';
import { addJob } from '../../core/job/add.js';
import { hasQuota } from '../../core/job/quota.js';
import { entityReply, type Command, type EntityReply } from '../../engine/command.js';
import type { Input } from '../find.js';

/** Job_Add: its pool need not exist. */
export const jobAdd = ({ account, body }: Input<JobAdd>): Command<EntityReply> => ({
  name: 'jobAdd',
  run(transaction) {
    const { state } = transaction;
    const present = state.jobs.get(jobKey(account, body.id));
    if (present !== undefined)
      throw new BatchError(present.state === 'deleting' ? 'JobBeingDeleted' : 'JobExists');
    if (state.jobSchedules.has(jobScheduleKey(account, body.id)))
      throw new BatchError('JobScheduleWithSameIdExists');
    if (!hasQuota(transaction, account)) throw new BatchError('ActiveJobAndScheduleQuotaReached');
    return entityReply(addJob(transaction, account, body));
  },
});
