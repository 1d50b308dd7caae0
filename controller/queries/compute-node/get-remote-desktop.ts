import { BatchError } from '../../../protocol/batch/errors.js';
import type { QueryContext } from '../context.js';
import { readNode } from './read.js';
import type { NodeInput } from './read.js';

/**
 * ComputeNode_GetRemoteDesktop: a file of connection settings, the lines that Azure's has. As there, only
 * nodes of pools with a cloud service configuration have one.
 * @throws BatchError PoolNotFound, NodeNotFound, OperationNotValidOnNode, HostInformationNotPresent
 */
export async function computeNodeGetRemoteDesktop(
  context: QueryContext,
  input: NodeInput,
): Promise<string> {
  const { node, pool } = await readNode(context, input);
  if (pool.specification.virtualMachineConfiguration !== undefined)
    throw new BatchError('OperationNotValidOnNode', [
      {
        key: 'Reason',
        value: 'Nodes with a virtual machine configuration have no remote desktop.',
      },
    ]);
  if (node.ipAddress === undefined) throw new BatchError('HostInformationNotPresent');
  return `full address:s:${node.ipAddress}\r\nLoadBalanceInfo:s:Cookie: mstshash=TVM#${node.id}\r\n`;
}
