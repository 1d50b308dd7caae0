import { BatchError } from '../../../protocol/batch/errors.js';
import { moveJobSchedule } from '../../core/job-schedule/settle.js';
import { checkConditions, type Command } from '../../engine/command.js';
import { findJobSchedule, type BodyLess } from '../find.js';

/** JobSchedule_Delete: all its jobs, tasks and files go with it. */
export const jobScheduleDelete = ({
  account,
  jobScheduleId,
  conditions,
}: BodyLess & { jobScheduleId: string }): Command<void> => ({
  name: 'jobScheduleDelete',
  run(transaction) {
    const schedule = findJobSchedule(transaction, account, jobScheduleId);
    checkConditions(conditions, schedule);
    if (schedule.state === 'deleting') throw new BatchError('JobScheduleBeingDeleted');
    moveJobSchedule(transaction, schedule, 'deleting');
  },
});
