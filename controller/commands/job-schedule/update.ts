import type { JobScheduleUpdate } from '../../../protocol/batch/job-schedule.js';
import { checkConditions, type Command, type EntityReply } from '../../engine/command.js';
import { findJobSchedule, type Input } from '../find.js';
import { changeJobSchedule } from './change.js';

/** JobSchedule_Update. */
export const jobScheduleUpdate = ({
  account,
  jobScheduleId,
  conditions,
  body,
}: Input<JobScheduleUpdate> & { jobScheduleId: string }): Command<EntityReply> => ({
  name: 'jobScheduleUpdate',
  run(transaction) {
    const schedule = findJobSchedule(transaction, account, jobScheduleId);
    checkConditions(conditions, schedule);
    return changeJobSchedule(transaction, schedule, body);
  },
});
