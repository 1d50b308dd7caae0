import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { jobScheduleStats } from './stats.js';
import { cloudJobSchedule, JOB_SCHEDULE_PROPERTIES } from './wire.js';

/** JobSchedule_List */
export async function jobScheduleList(context: QueryContext, input: ListInput): Promise<ListReply> {
  const expands = wantsStats(input);
  const select = parseSelect(input.select, JOB_SCHEDULE_PROPERTIES);
  const filter = listFilter('jobSchedules', input.account, input.filter);
  const listing = { name: 'jobschedules', scope: input.account, filter };
  const { rows, ...more } = await rowPage(context.reader, 'jobSchedule', listing, input);
  const value: object[] = [];
  for (const row of rows) {
    const stats = expands ? await jobScheduleStats(context, row) : {};
    value.push(select({ ...cloudJobSchedule(row, context.baseUrl), ...stats }));
  }
  return { value, ...more };
}
