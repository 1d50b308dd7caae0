import { BatchError } from '../../../protocol/batch/errors.js';
import { poolKey } from '../../../protocol/keys.js';
import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { recentTasksOf } from './recent-tasks.js';
import { computeNode, NODE_PROPERTIES } from './wire.js';

/** ComputeNode_List. @throws BatchError PoolNotFound */
export async function computeNodeList(
  context: QueryContext,
  input: ListInput & { poolId: string },
): Promise<ListReply> {
  const select = parseSelect(input.select, NODE_PROPERTIES);
  const filter = listFilter('nodes', input.account, input.filter);
  const scope = poolKey(input.account, input.poolId);
  const pool = await context.reader.get('pool', scope);
  if (pool === undefined) throw new BatchError('PoolNotFound');
  const listing = { name: `nodes of ${scope}`, scope, filter };
  const { rows, ...more } = await rowPage(context.reader, 'node', listing, input);
  const tasks = await recentTasksOf(context.reader, rows, input.select);
  const value = rows.map((node) => select(computeNode(node, tasks, pool, context.baseUrl)));
  return { value, ...more };
}
