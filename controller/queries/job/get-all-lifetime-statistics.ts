import type { AccountKey } from '../../../protocol/keys.js';
import type { QueryContext } from '../context.js';
import { allRows, jobStatistics, totalOfJobs } from '../statistics.js';

/** Job_GetAllLifetimeStatistics: of every job the account has or had. */
export async function jobGetAllLifetimeStatistics(
  context: QueryContext,
  { account }: { account: AccountKey },
): Promise<object> {
  const row = await context.reader.get('account', account);
  const { usage, counts } = await totalOfJobs(allRows(context, 'job', account), row?.past);
  const url = `${context.baseUrl}/lifetimejobstats`;
  return jobStatistics(url, row?.creationTime ?? 0, usage, counts, context.now);
}
