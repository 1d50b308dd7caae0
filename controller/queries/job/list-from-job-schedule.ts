import { BatchError } from '../../../protocol/batch/errors.js';
import { jobScheduleKey } from '../../../protocol/keys.js';
import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { jobStats } from './stats.js';
import { cloudJob, JOB_PROPERTIES } from './wire.js';

/** Job_ListFromJobSchedule. @throws BatchError JobScheduleNotFound */
export async function jobListFromJobSchedule(
  context: QueryContext,
  input: ListInput & { jobScheduleId: string },
): Promise<ListReply> {
  const { reader, baseUrl } = context;
  const expands = wantsStats(input);
  const select = parseSelect(input.select, JOB_PROPERTIES);
  const filter = listFilter('jobsOfSchedule', input.account, input.filter);
  const jobSchedule = jobScheduleKey(input.account, input.jobScheduleId);
  if ((await reader.get('jobSchedule', jobSchedule)) === undefined)
    throw new BatchError('JobScheduleNotFound');
  const listing = { name: `jobs of ${jobSchedule}`, scope: input.account, filter, jobSchedule };
  const { rows, ...more } = await rowPage(reader, 'job', listing, input);
  return {
    value: rows.map((job) =>
      select({ ...cloudJob(job, baseUrl), ...(expands && jobStats(context, job)) }),
    ),
    ...more,
  };
}
