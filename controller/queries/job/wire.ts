import { propertiesOf } from '../../../protocol/batch/entities.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { formatTime } from '../../../protocol/time.js';
import type { Job, TaskCounts } from '../../core/job/state.js';
import { present, stateOf, timeOf, urlOf, visible } from '../wire.js';

/** Properties of CloudJob (the contract's section 4.5), for `$select`. */
export const JOB_PROPERTIES = propertiesOf('CloudJob');

/** A job as clients see it. */
export function cloudJob(job: Job, baseUrl: string): object {
  const { id: _id, displayName, ...specification } = visible(job.specification);
  return present({
    id: job.id,
    displayName,
    url: urlOf(baseUrl, 'jobs', job.id),
    eTag: etagOf(job),
    lastModified: formatTime(job.lastModified),
    creationTime: formatTime(job.creationTime),
    ...stateOf(job),
    ...specification,
    executionInfo: present({
      startTime: formatTime(job.startTime),
      endTime: timeOf(job.endTime),
      poolId: poolIdOf(job),
      schedulingError: job.schedulingError,
      terminateReason: job.terminateReason,
    }),
  });
}

/** As the client wrote it, or as it was made for the job. */
const poolIdOf = (job: Job): string | undefined =>
  job.specification.poolInfo.poolId ?? job.autoPoolId;

const counts = ({ active, running, completed, succeeded, failed }: TaskCounts): TaskCounts => ({
  active,
  running,
  completed,
  succeeded,
  failed,
});

export const taskCountsResult = (job: Job): object => ({
  taskCounts: counts(job.taskCounts),
  taskSlotCounts: counts(job.taskSlotCounts),
});
