import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { poolStats } from './stats.js';
import { cloudPool, currentNodes, POOL_PROPERTIES } from './wire.js';

/** Pool_List */
export async function poolList(context: QueryContext, input: ListInput): Promise<ListReply> {
  const { reader, baseUrl } = context;
  const select = parseSelect(input.select, POOL_PROPERTIES);
  const filter = listFilter('pools', input.account, input.filter);
  const listing = { name: 'pools', scope: input.account, filter };
  const { rows, ...more } = await rowPage(reader, 'pool', listing, input);
  const current = currentNodes(await reader.nodeCounts(rows.map(({ key }) => key)));
  const expands = wantsStats(input);
  const value: object[] = [];
  for (const pool of rows) {
    const stats = expands ? await poolStats(context, pool) : {};
    value.push(select({ ...cloudPool(pool, current.get(pool.key), baseUrl), ...stats }));
  }
  return { value, ...more };
}
