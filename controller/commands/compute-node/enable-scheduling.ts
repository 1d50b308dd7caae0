import { BatchError } from '../../../protocol/batch/errors.js';
import type { Command } from '../../engine/command.js';
import { findNode, type BodyLess } from '../find.js';

/** ComputeNode_EnableScheduling: takes tasks again. */
export const computeNodeEnableScheduling = (
  input: BodyLess & { poolId: string; nodeId: string },
): Command<void> => ({
  name: 'computeNodeEnableScheduling',
  run(transaction) {
    const node = findNode(transaction, input.account, input.poolId, input.nodeId);
    if (node.schedulingState === 'enabled')
      throw new BatchError('NodeAlreadyInTargetSchedulingState');
    node.schedulingState = 'enabled';
    if (node.draining?.then === 'offline') delete node.draining;
    transaction.changed('node', node);
    transaction.state.toSettle.nodes.add(node.key);
  },
});
