import type { AccountKey } from '../../../protocol/keys.js';
import type { QueryContext } from '../context.js';
import { allRows, dedicatedCoreMs, poolStatistics } from '../statistics.js';

/** Pool_GetAllLifetimeStatistics: of every pool the account has or had. */
export async function poolGetAllLifetimeStatistics(
  context: QueryContext,
  { account }: { account: AccountKey },
): Promise<object> {
  const row = await context.reader.get('account', account);
  let coreMs = row?.past?.dedicatedCoreMs ?? 0;
  for await (const pool of allRows(context, 'pool', account))
    coreMs += (await dedicatedCoreMs(context, pool)) - (pool.pastDedicatedCoreMs ?? 0);
  const url = `${context.baseUrl}/lifetimepoolstats`;
  return poolStatistics(url, row?.creationTime ?? 0, coreMs, context.now);
}
