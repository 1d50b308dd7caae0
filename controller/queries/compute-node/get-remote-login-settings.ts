import { BatchError } from '../../../protocol/batch/errors.js';
import type { QueryContext } from '../context.js';
import { readNode, type NodeInput } from './read.js';

/** Of nodes that are reached directly; those in user mode networking have a port of their host. */
const SSH_PORT = 22;

/**
 * ComputeNode_GetRemoteLoginSettings: the node's own address; of a process node that of the machine it
 * is on, whose users are that machine's; of one that can't be reached the port of its host that leads to it.
 * @throws BatchError PoolNotFound, NodeNotFound, OperationNotValidOnNode, HostInformationNotPresent
 */
export async function computeNodeGetRemoteLoginSettings(
  context: QueryContext,
  input: NodeInput,
): Promise<object> {
  const { node, pool } = await readNode(context, input);
  if (pool.specification.virtualMachineConfiguration === undefined)
    throw new BatchError('OperationNotValidOnNode');
  const forward = node.forwards?.find(({ backendPort }) => backendPort === SSH_PORT);
  if (forward !== undefined)
    return { remoteLoginIPAddress: forward.address, remoteLoginPort: forward.port };
  if (node.ipAddress === undefined) throw new BatchError('HostInformationNotPresent');
  return { remoteLoginIPAddress: node.ipAddress, remoteLoginPort: SSH_PORT };
}
