import type { JobSchedule } from '../../core/job-schedule/state.js';
import type { QueryContext } from '../context.js';
import { allRows, jobStatistics, totalOfJobs } from '../statistics.js';
import { urlOf } from '../wire.js';

/** The property `stats` of a job schedule: of every job that it has or had. */
export async function jobScheduleStats(
  context: QueryContext,
  { key, account, id, past, creationTime }: JobSchedule,
): Promise<{ stats: object }> {
  const { usage, counts } = await totalOfJobs(allRows(context, 'job', account, key), past);
  const url = `${urlOf(context.baseUrl, 'jobschedules', id)}/stats`;
  return { stats: jobStatistics(url, creationTime, usage, counts, context.now) };
}
