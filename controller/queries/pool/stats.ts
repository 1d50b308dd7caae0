import type { Pool } from '../../core/pool/state.js';
import type { QueryContext } from '../context.js';
import { dedicatedCoreMs, poolStatistics } from '../statistics.js';
import { urlOf } from '../wire.js';

/** The property `stats` of a pool. */
export async function poolStats(context: QueryContext, pool: Pool): Promise<{ stats: object }> {
  const url = `${urlOf(context.baseUrl, 'pools', pool.id)}/stats`;
  const coreMs = await dedicatedCoreMs(context, pool);
  return { stats: poolStatistics(url, pool.creationTime, coreMs, context.now) };
}
