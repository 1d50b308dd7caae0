import { moveJobSchedule } from '../../core/job-schedule/settle.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findJobSchedule, type BodyLess } from '../find.js';
import { checkLiveSchedule } from './change.js';

/** JobSchedule_Disable: no more jobs; the one that runs goes on. */
export const jobScheduleDisable = ({
  account,
  jobScheduleId,
  conditions,
}: BodyLess & { jobScheduleId: string }): Command<EntityReply> => ({
  name: 'jobScheduleDisable',
  run(transaction) {
    const schedule = findJobSchedule(transaction, account, jobScheduleId);
    checkConditions(conditions, schedule);
    checkLiveSchedule(schedule);
    if (schedule.state === 'active') {
      moveJobSchedule(transaction, schedule, 'disabled');
      transaction.touched('jobSchedule', schedule);
    }
    return entityReply(schedule);
  },
});
