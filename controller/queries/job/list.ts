import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { jobStats } from './stats.js';
import { cloudJob, JOB_PROPERTIES } from './wire.js';

/** Job_List */
export async function jobList(context: QueryContext, input: ListInput): Promise<ListReply> {
  const expands = wantsStats(input);
  const select = parseSelect(input.select, JOB_PROPERTIES);
  const filter = listFilter('jobs', input.account, input.filter);
  const listing = { name: 'jobs', scope: input.account, filter };
  const { rows, ...more } = await rowPage(context.reader, 'job', listing, input);
  return {
    value: rows.map((job) =>
      select({ ...cloudJob(job, context.baseUrl), ...(expands && jobStats(context, job)) }),
    ),
    ...more,
  };
}
