import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeDisableScheduling } from '../../../protocol/batch/node.js';
import { drain } from '../../core/node/drain.js';
import type { Command } from '../../engine/command.js';
import { findNode, type Input } from '../find.js';

/** ComputeNode_DisableScheduling: `offline` once nothing runs. */
export const computeNodeDisableScheduling = (
  input: Omit<Input, 'body'> & { poolId: string; nodeId: string; body?: NodeDisableScheduling },
): Command<void> => ({
  name: 'computeNodeDisableScheduling',
  run(transaction) {
    const node = findNode(transaction, input.account, input.poolId, input.nodeId);
    if (node.schedulingState === 'disabled')
      throw new BatchError('NodeAlreadyInTargetSchedulingState');
    if (node.leaving !== undefined || node.draining !== undefined)
      throw new BatchError('NodeNotReady');
    node.schedulingState = 'disabled';
    drain(transaction, node, input.body?.nodeDisableSchedulingOption ?? 'requeue', 'offline');
  },
});
