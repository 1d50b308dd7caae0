import { BatchError } from '../../../protocol/batch/errors.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { jobScheduleKey } from '../../../protocol/keys.js';
import type { GetInput, GetReply, QueryContext } from '../context.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { jobScheduleStats } from './stats.js';
import { cloudJobSchedule, JOB_SCHEDULE_PROPERTIES } from './wire.js';

/** JobSchedule_Get, and JobSchedule_Exists without the body. @throws BatchError JobScheduleNotFound */
export async function jobScheduleGet(
  context: QueryContext,
  input: GetInput & { jobScheduleId: string },
): Promise<GetReply> {
  const expands = wantsStats(input);
  const select = parseSelect(input.select, JOB_SCHEDULE_PROPERTIES);
  const key = jobScheduleKey(input.account, input.jobScheduleId);
  const jobSchedule = await context.reader.get('jobSchedule', key);
  if (jobSchedule === undefined) throw new BatchError('JobScheduleNotFound');
  return {
    body: select({
      ...cloudJobSchedule(jobSchedule, context.baseUrl),
      ...(expands && (await jobScheduleStats(context, jobSchedule))),
    }),
    etag: etagOf(jobSchedule),
    lastModified: jobSchedule.lastModified,
  };
}
