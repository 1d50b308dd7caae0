import type { AccountKey } from '../../../protocol/keys.js';
import type { QueryContext } from '../context.js';
import { allRows, jobStatistics, total } from '../statistics.js';

/** Job_GetAllLifetimeStatistics: of every job the account has or had. */
export async function jobGetAllLifetimeStatistics(
  context: QueryContext,
  { account }: { account: AccountKey },
): Promise<object> {
  const row = await context.reader.get('account', account);
  const counts = { succeeded: row?.past?.succeeded ?? 0, failed: row?.past?.failed ?? 0 };
  const usages = row?.past === undefined ? [] : [row.past.jobs];
  for await (const job of allRows(context, 'job', account)) {
    if (job.usage !== undefined) usages.push(job.usage);
    counts.succeeded += job.taskCounts.succeeded;
    counts.failed += job.taskCounts.failed;
  }
  const url = `${context.baseUrl}/lifetimejobstats`;
  return jobStatistics(url, row?.creationTime ?? 0, total(usages), counts, context.now);
}
