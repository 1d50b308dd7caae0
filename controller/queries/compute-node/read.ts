import { BatchError } from '../../../protocol/batch/errors.js';
import type { AccountKey } from '../../../protocol/keys.js';
import { nodeKey, poolKey } from '../../../protocol/keys.js';
import type { Pool } from '../../core/pool/state.js';
import type { Rows } from '../../engine/ports.js';
import type { QueryContext } from '../context.js';

export interface NodeInput {
  account: AccountKey;
  poolId: string;
  nodeId: string;
}

/** A node with its pool. @throws BatchError PoolNotFound, NodeNotFound */
export async function readNode(
  { reader }: QueryContext,
  { account, poolId, nodeId }: NodeInput,
): Promise<{ node: Rows['node']['row']; pool: Pool }> {
  const parent = poolKey(account, poolId);
  const [pool, node] = await Promise.all([
    reader.get('pool', parent),
    reader.get('node', nodeKey(parent, nodeId)),
  ]);
  if (pool === undefined) throw new BatchError('PoolNotFound');
  if (node === undefined) throw new BatchError('NodeNotFound');
  return { node, pool };
}
