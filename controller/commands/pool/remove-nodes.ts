import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeRemove } from '../../../protocol/batch/node.js';
import { nodeKey } from '../../../protocol/keys.js';
import { durationMs } from '../../../protocol/time.js';
import { leavePool } from '../../core/node/drain.js';
import type { Node } from '../../core/node/state.js';
import { beginResize } from '../../core/pool/transition.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type Input } from '../find.js';

/** Pool_RemoveNodes: only while steady; the targets drop by the number removed. */
export const poolRemoveNodes = ({
  account,
  poolId,
  conditions,
  body,
}: Input<NodeRemove> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolRemoveNodes',
  run(transaction) {
    const { state } = transaction;
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    if (pool.specification.enableAutoScale)
      throw new BatchError('OperationInvalidForCurrentState', [
        { key: 'Reason', value: 'Automatic scaling is enabled on the pool; disable it first' },
      ]);
    if (pool.allocationState !== 'steady') throw new BatchError('PoolBeingResized');
    const nodes = new Set<Node>();
    for (const id of body.nodeList) {
      const node = state.nodes.get(nodeKey(pool.key, id));
      if (node === undefined) throw new BatchError('NodeNotFound', [{ key: 'NodeId', value: id }]);
      if (node.leaving === undefined) nodes.add(node);
    }
    for (const node of nodes) {
      if (node.isDedicated) pool.targetDedicatedNodes = Math.max(0, pool.targetDedicatedNodes - 1);
      else pool.targetLowPriorityNodes = Math.max(0, pool.targetLowPriorityNodes - 1);
    }
    beginResize(transaction, pool, durationMs(body.resizeTimeout), body.nodeDeallocationOption);
    for (const node of nodes) leavePool(transaction, node, body.nodeDeallocationOption);
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
