import type { AgentRequest } from '../../../protocol/agent/request.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeUserAdd, NodeUserUpdate } from '../../../protocol/batch/node.js';
import { nodeKey, poolKey } from '../../../protocol/keys.js';
import { computeNodeAddUser } from '../../commands/compute-node/add-user.js';
import { computeNodeDeleteUser } from '../../commands/compute-node/delete-user.js';
import { computeNodeUpdateUser } from '../../commands/compute-node/update-user.js';
import { readNode } from '../../queries/compute-node/read.js';
import type { Call } from '../call.js';
import { commandInput, idsOf, queryContext } from './call-input.js';

/**
 * ComputeNode_AddUser: recorded, then made by the node's agent where the machine is the node's own. What
 * the agent refuses, or doesn't answer, is no user: the record goes again.
 */
export async function addNodeUser(call: Call<NodeUserAdd>): Promise<void> {
  await call.ports.submit(computeNodeAddUser(commandInput(call, 'poolId', 'nodeId')));
  const { name } = call.body;
  try {
    await putUser(call, name, call.body.password);
  } catch (error) {
    await call.ports.submit(
      computeNodeDeleteUser({ ...commandInput(call, 'poolId', 'nodeId'), userName: name }),
    );
    throw error;
  }
}

/** ComputeNode_UpdateUser; one that the agent did not answer is to be sent again. */
export async function updateNodeUser(call: Call<NodeUserUpdate>): Promise<void> {
  const named = commandInput(call, 'poolId', 'nodeId', 'userName');
  await call.ports.submit(computeNodeUpdateUser(named));
  await putUser(call, named.userName, call.body.password);
}

/** ComputeNode_DeleteUser: gone from the machine before it is gone from the record. */
export async function deleteNodeUser(call: Call): Promise<void> {
  const named = commandInput(call, 'poolId', 'nodeId', 'userName');
  const { node } = await readNode(queryContext(call), {
    account: call.account,
    ...idsOf(call, 'poolId', 'nodeId'),
  });
  if (node.users?.some(({ name }) => name === named.userName) === true)
    await ask(call, { type: 'removeUser', name: named.userName });
  await call.ports.submit(computeNodeDeleteUser(named));
}

async function putUser(call: Call<unknown>, name: string, password?: string): Promise<void> {
  const { account } = call;
  const { node } = await readNode(queryContext(call), {
    account,
    ...idsOf(call, 'poolId', 'nodeId'),
  });
  const user = node.users?.find((one) => one.name === name);
  // Deleted meanwhile.
  if (user === undefined) return;
  const { isAdmin, expiryTime, sshPublicKey } = user;
  await ask(call, {
    type: 'putUser',
    name,
    isAdmin,
    expiryTime,
    ...(password === undefined ? {} : { password }),
    ...(sshPublicKey === undefined ? {} : { sshPublicKey }),
  });
}

/** Process nodes share a machine that is nobody's to make accounts on: users of theirs are records alone. */
async function ask(call: Call<unknown>, request: AgentRequest): Promise<void> {
  const { account, ports } = call;
  const { poolId, nodeId } = idsOf(call, 'poolId', 'nodeId');
  const { pool } = await readNode(queryContext(call), { account, poolId, nodeId });
  if (pool.nodeProvider === 'process') return;
  const key = nodeKey(poolKey(account, poolId), nodeId);
  const answer = await ports.nodeFiles.request(key, request);
  if (answer.type === 'userDone') return;
  if (answer.type !== 'failed') throw new BatchError('NodeNotReady');
  if (answer.code === 'UserNameTaken')
    throw new BatchError('NodeUserExists', [{ key: 'Reason', value: answer.message }]);
  throw new BatchError('OperationNotValidOnNode', [{ key: 'Reason', value: answer.message }]);
}
