import { BatchError } from '../../../protocol/batch/errors.js';
import type { Command } from '../../engine/command.js';
import { findNode, type BodyLess } from '../find.js';
import { checkTakesUsers, usersOf } from './users.js';

/** ComputeNode_DeleteUser. @throws BatchError NodeUserNotFound */
export const computeNodeDeleteUser = (
  input: BodyLess & { poolId: string; nodeId: string; userName: string },
): Command<void> => ({
  name: 'computeNodeDeleteUser',
  run(transaction) {
    const node = findNode(transaction, input.account, input.poolId, input.nodeId);
    checkTakesUsers(node);
    const users = usersOf(node, transaction.now);
    if (!users.some(({ name }) => name === input.userName))
      throw new BatchError('NodeUserNotFound', [{ key: 'UserName', value: input.userName }]);
    node.users = users.filter(({ name }) => name !== input.userName);
    transaction.changed('node', node);
  },
});
