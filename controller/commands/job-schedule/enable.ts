import { moveJobSchedule } from '../../core/job-schedule/settle.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findJobSchedule, type BodyLess } from '../find.js';
import { checkLiveSchedule, reschedule } from './change.js';

/** JobSchedule_Enable: the next due time is computed anew. */
export const jobScheduleEnable = ({
  account,
  jobScheduleId,
  conditions,
}: BodyLess & { jobScheduleId: string }): Command<EntityReply> => ({
  name: 'jobScheduleEnable',
  run(transaction) {
    const schedule = findJobSchedule(transaction, account, jobScheduleId);
    checkConditions(conditions, schedule);
    checkLiveSchedule(schedule);
    if (schedule.state === 'disabled') {
      reschedule(transaction, schedule);
      moveJobSchedule(transaction, schedule, 'active');
      transaction.touched('jobSchedule', schedule);
    }
    return entityReply(schedule);
  },
});
