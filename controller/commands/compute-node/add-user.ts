import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeUserAdd } from '../../../protocol/batch/node.js';
import type { Command } from '../../engine/command.js';
import { findNode, type Input } from '../find.js';
import { checkTakesUsers, credentialsOf, usersOf } from './users.js';

/** ComputeNode_AddUser. Names are Linux's: their case counts. The password is checked and forgotten. */
export const computeNodeAddUser = (
  input: Input<NodeUserAdd> & { poolId: string; nodeId: string },
): Command<void> => ({
  name: 'computeNodeAddUser',
  run(transaction) {
    const { now } = transaction;
    const { name, isAdmin, ...credentials } = input.body;
    const node = findNode(transaction, input.account, input.poolId, input.nodeId);
    checkTakesUsers(node);
    const users = usersOf(node, now);
    if (users.some((user) => user.name === name))
      throw new BatchError('NodeUserExists', [{ key: 'UserName', value: name }]);
    const diskIncarnation = node.diskIncarnation ?? 1;
    const user = { name, isAdmin, diskIncarnation, ...credentialsOf(credentials, now) };
    node.users = [...users, user];
    transaction.changed('node', node);
  },
});
