import type { JobSchedulePatch } from '../../../protocol/batch/job-schedule.js';
import { checkConditions, type Command, type EntityReply } from '../../engine/command.js';
import { findJobSchedule, type Input } from '../find.js';
import { changeJobSchedule } from './change.js';

/** JobSchedule_Patch. */
export const jobSchedulePatch = ({
  account,
  jobScheduleId,
  conditions,
  body,
}: Input<JobSchedulePatch> & { jobScheduleId: string }): Command<EntityReply> => ({
  name: 'jobSchedulePatch',
  run(transaction) {
    const schedule = findJobSchedule(transaction, account, jobScheduleId);
    checkConditions(conditions, schedule);
    return changeJobSchedule(transaction, schedule, body);
  },
});
