import type { AccountKey } from '../../../protocol/keys.js';
import { addUsage, noUsage } from '../../core/task/usage.js';
import type { QueryContext } from '../context.js';
import { allRows, jobStatistics } from '../statistics.js';

/** Job_GetAllLifetimeStatistics: of every job the account has or had. */
export async function jobGetAllLifetimeStatistics(
  context: QueryContext,
  { account }: { account: AccountKey },
): Promise<object> {
  const row = await context.reader.get('account', account);
  const usage = noUsage();
  const counts = { succeeded: row?.past?.succeeded ?? 0, failed: row?.past?.failed ?? 0 };
  if (row?.past !== undefined) addUsage(usage, row.past.jobs);
  for await (const job of allRows(context, 'job', account)) {
    if (job.usage !== undefined) addUsage(usage, job.usage);
    counts.succeeded += job.taskCounts.succeeded;
    counts.failed += job.taskCounts.failed;
  }
  const url = `${context.baseUrl}/lifetimejobstats`;
  return jobStatistics(url, row?.creationTime ?? 0, usage, counts, context.now);
}
