import type { NodeReimage } from '../../../protocol/batch/node.js';
import { drain } from '../../core/node/drain.js';
import type { Command } from '../../engine/command.js';
import { findNode, type Input } from '../find.js';
import { checkRestartable } from './restartable.js';

/** ComputeNode_Reimage: once its tasks are dealt with, the node boots as its next incarnation. */
export const computeNodeReimage = (
  input: Omit<Input, 'body'> & { poolId: string; nodeId: string; body?: NodeReimage },
): Command<void> => ({
  name: 'computeNodeReimage',
  run(transaction) {
    const node = findNode(transaction, input.account, input.poolId, input.nodeId);
    checkRestartable(node);
    drain(transaction, node, input.body?.nodeReimageOption ?? 'requeue', 'reimage');
  },
});
