import { BatchError } from '../../../protocol/batch/errors.js';
import { nodeKey, poolKey } from '../../../protocol/keys.js';
import type { GetInput, QueryContext } from '../context.js';
import { parseSelect } from '../select.js';
import { recentTasksOf } from './recent-tasks.js';
import { computeNode, NODE_PROPERTIES } from './wire.js';

/** ComputeNode_Get; nodes have no ETag. @throws BatchError PoolNotFound, NodeNotFound */
export async function computeNodeGet(
  context: QueryContext,
  input: GetInput & { poolId: string; nodeId: string },
): Promise<{ body: object }> {
  const select = parseSelect(input.select, NODE_PROPERTIES);
  const parent = poolKey(input.account, input.poolId);
  const [pool, node] = await Promise.all([
    context.reader.get('pool', parent),
    context.reader.get('node', nodeKey(parent, input.nodeId)),
  ]);
  if (pool === undefined) throw new BatchError('PoolNotFound');
  if (node === undefined) throw new BatchError('NodeNotFound');
  const tasks = await recentTasksOf(context.reader, [node], input.select);
  return { body: select(computeNode(node, tasks, pool, context.baseUrl)) };
}
