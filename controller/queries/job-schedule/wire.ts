import { propertiesOf } from '../../../protocol/batch/entities.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { formatTime } from '../../../protocol/time.js';
import type { JobSchedule } from '../../core/job-schedule/state.js';
import { present, stateOf, timeOf, urlOf, visible } from '../wire.js';

/** Properties of CloudJobSchedule (the contract's section 4.6), for `$select`. */
export const JOB_SCHEDULE_PROPERTIES = propertiesOf('CloudJobSchedule');

/** A job schedule as clients see it. */
export function cloudJobSchedule(jobSchedule: JobSchedule, baseUrl: string): object {
  const { displayName, schedule, jobSpecification, metadata } = visible(jobSchedule.specification);
  const { recentJob } = jobSchedule;
  return present({
    id: jobSchedule.id,
    displayName,
    url: urlOf(baseUrl, 'jobschedules', jobSchedule.id),
    eTag: etagOf(jobSchedule),
    lastModified: formatTime(jobSchedule.lastModified),
    creationTime: formatTime(jobSchedule.creationTime),
    ...stateOf(jobSchedule),
    schedule,
    jobSpecification,
    executionInfo: present({
      nextRunTime: timeOf(jobSchedule.nextRunTime),
      recentJob:
        recentJob === undefined
          ? undefined
          : { id: recentJob.id, url: urlOf(baseUrl, 'jobs', recentJob.id) },
      endTime: timeOf(jobSchedule.endTime),
    }),
    metadata,
  });
}
