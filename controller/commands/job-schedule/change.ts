import { BatchError } from '../../../protocol/batch/errors.js';
import type { JobSchedulePatch } from '../../../protocol/batch/job-schedule.js';
import { durationMs } from '../../../protocol/time.js';
import { setNextRun } from '../../core/job-schedule/settle.js';
import type { JobSchedule } from '../../core/job-schedule/state.js';
import { entityReply, type EntityReply, type Transaction } from '../../engine/command.js';
import { replaced } from '../find.js';
import { checkSchedule } from './check.js';

/** Refuses where the schedule has ended or is about to. */
export function checkLiveSchedule(schedule: JobSchedule): void {
  if (schedule.state === 'deleting') throw new BatchError('JobScheduleBeingDeleted');
  if (schedule.state === 'terminating') throw new BatchError('JobScheduleBeingTerminated');
  if (schedule.state === 'completed') throw new BatchError('JobScheduleCompleted');
}

/** Patch and update: only jobs made later take notice. */
export function changeJobSchedule(
  transaction: Transaction,
  schedule: JobSchedule,
  properties: JobSchedulePatch,
): EntityReply {
  checkLiveSchedule(schedule);
  checkSchedule(transaction, {
    ...(properties.schedule === undefined ? {} : { schedule: properties.schedule }),
    ...(properties.jobSpecification === undefined
      ? {}
      : { jobSpecification: properties.jobSpecification }),
  });
  schedule.specification = replaced(schedule.specification, properties);
  if (properties.schedule !== undefined) reschedule(transaction, schedule);
  transaction.touched('jobSchedule', schedule);
  transaction.state.toSettle.jobSchedules.add(schedule.key);
  return entityReply(schedule);
}

/** The next due time by the schedule as it now is: one interval after the last job, if there was one. */
export function reschedule(transaction: Transaction, schedule: JobSchedule): void {
  const { now, state } = transaction;
  const { cronExpression, recurrenceInterval } = schedule.specification.schedule;
  const last =
    schedule.recentJob === undefined ? undefined : state.jobs.get(schedule.recentJob.key);
  if (schedule.jobCount === 0 || cronExpression !== undefined)
    setNextRun(transaction, schedule, now);
  else if (recurrenceInterval === undefined) delete schedule.nextRunTime;
  else {
    const next = (last?.creationTime ?? now) + durationMs(recurrenceInterval);
    setNextRun(transaction, schedule, Math.max(now, next));
  }
}
