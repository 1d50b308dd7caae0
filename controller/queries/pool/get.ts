import { BatchError } from '../../../protocol/batch/errors.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { poolKey } from '../../../protocol/keys.js';
import type { GetInput, GetReply, QueryContext } from '../context.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { poolStats } from './stats.js';
import { cloudPool, currentNodes, POOL_PROPERTIES } from './wire.js';

/** Pool_Get, and Pool_Exists without the body. @throws BatchError PoolNotFound */
export async function poolGet(
  context: QueryContext,
  input: GetInput & { poolId: string },
): Promise<GetReply> {
  const select = parseSelect(input.select, POOL_PROPERTIES);
  const key = poolKey(input.account, input.poolId);
  const pool = await context.reader.get('pool', key);
  if (pool === undefined) throw new BatchError('PoolNotFound');
  const current = currentNodes(await context.reader.nodeCounts([key]));
  const body = cloudPool(pool, current.get(key), context.baseUrl);
  return {
    body: select({ ...body, ...(wantsStats(input) && (await poolStats(context, pool))) }),
    etag: etagOf(pool),
    lastModified: pool.lastModified,
  };
}
