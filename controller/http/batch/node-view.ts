import { BatchError } from '../../../protocol/batch/errors.js';
import { nodeKey, poolKey } from '../../../protocol/keys.js';
import type { Call } from '../call.js';
import type { FileView } from './node-file.js';

/** The files of a node from its root: `startup`, `shared`, `workitems` … */
export function nodeView(call: Call, ids: { poolId: string; nodeId: string }): FileView {
  const { view } = call.ports;
  const pool = view.pools.get(poolKey(call.account, ids.poolId));
  if (pool === undefined) throw new BatchError('PoolNotFound');
  const node = view.nodes.get(nodeKey(pool.key, ids.nodeId));
  if (node === undefined) throw new BatchError('NodeNotFound');
  return {
    node: node.key,
    directory: '',
    url: `${call.baseUrl}/pools/${pool.id}/nodes/${node.id}/files`,
    unavailable: (error) => error,
  };
}
