import { moveJobSchedule } from '../../core/job-schedule/settle.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findJobSchedule, type BodyLess } from '../find.js';
import { checkLiveSchedule } from './change.js';

/** JobSchedule_Terminate: its active job is terminated, then it is completed. */
export const jobScheduleTerminate = ({
  account,
  jobScheduleId,
  conditions,
}: BodyLess & { jobScheduleId: string }): Command<EntityReply> => ({
  name: 'jobScheduleTerminate',
  run(transaction) {
    const schedule = findJobSchedule(transaction, account, jobScheduleId);
    checkConditions(conditions, schedule);
    checkLiveSchedule(schedule);
    delete schedule.nextRunTime;
    moveJobSchedule(transaction, schedule, 'terminating');
    transaction.touched('jobSchedule', schedule);
    return entityReply(schedule);
  },
});
