import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { Command } from '../../engine/command.js';

export interface NodeEnrolInput {
  nodeKey: NodeKey;
  incarnation: number;
  /** SHA-256 (hex) of the agent's secret. */
  secretHash: string;
  agentVersion: string;
}

/** Takes the credential of this incarnation's agent: once; the same again is fine, another is refused. */
export const nodeEnrol = ({
  nodeKey,
  incarnation,
  secretHash,
  agentVersion,
}: NodeEnrolInput): Command<void> => ({
  name: 'nodeEnrol',
  run(transaction) {
    const node = transaction.state.nodes.get(nodeKey);
    if (node?.incarnation !== incarnation) throw new BatchError('AuthenticationFailed');
    if (node.secretHash === secretHash) return;
    if (node.secretHash !== undefined) throw new BatchError('AuthenticationFailed');
    node.secretHash = secretHash;
    node.agentVersion = agentVersion;
    transaction.changed('node', node);
  },
});
