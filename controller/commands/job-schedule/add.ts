import { BatchError } from '../../../protocol/batch/errors.js';
import type { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import { jobKey, jobScheduleKey } from '../../../protocol/keys.js';
import { hasQuota } from '../../core/job/quota.js';
import { setNextRun } from '../../core/job-schedule/settle.js';
import type { JobSchedule } from '../../core/job-schedule/state.js';
import { entityReply, type Command, type EntityReply } from '../../engine/command.js';
import type { Input } from '../find.js';
import { checkRuns, checkSchedule } from './check.js';

/** JobSchedule_Add: if it is due, its first job exists when the answer leaves. */
export const jobScheduleAdd = ({ account, body }: Input<JobScheduleAdd>): Command<EntityReply> => ({
  name: 'jobScheduleAdd',
  run(transaction) {
    const { state, now } = transaction;
    const key = jobScheduleKey(account, body.id);
    const present = state.jobSchedules.get(key);
    if (present !== undefined)
      throw new BatchError(
        present.state === 'deleting' ? 'JobScheduleBeingDeleted' : 'JobScheduleExists',
      );
    if (state.jobs.has(jobKey(account, body.id))) throw new BatchError('JobWithSameIdExists');
    checkSchedule(transaction, body);
    checkRuns(transaction, body.schedule);
    if (!hasQuota(transaction, account)) throw new BatchError('ActiveJobAndScheduleQuotaReached');
    const schedule: JobSchedule = {
      key,
      account,
      id: body.id,
      specification: body,
      state: 'active',
      stateTransitionTime: now,
      jobCount: 0,
      creationTime: now,
      lastModified: now,
      version: 1,
    };
    setNextRun(transaction, schedule, now);
    state.jobSchedules.set(key, schedule);
    transaction.changed('jobSchedule', schedule);
    state.toSettle.jobSchedules.add(key);
    return entityReply(schedule);
  },
});
