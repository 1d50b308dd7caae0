import type { Reason } from '../../../protocol/batch/explain.js';
import { explainNode } from '../../core/explain/node.js';
import type { Command } from '../../engine/command.js';
import { findNode, type BodyLess } from '../find.js';

/** ComputeNode_Explain: why the node takes no tasks, or no more. Changes nothing. */
export const computeNodeExplain = ({
  account,
  poolId,
  nodeId,
}: BodyLess & { poolId: string; nodeId: string }): Command<{
  id: string;
  state: string;
  reasons: Reason[];
}> => ({
  name: 'computeNodeExplain',
  run(transaction) {
    const node = findNode(transaction, account, poolId, nodeId);
    return { id: node.id, state: node.state, reasons: explainNode(transaction, node) };
  },
});
