import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeUserUpdate } from '../../../protocol/batch/node.js';
import type { Command } from '../../engine/command.js';
import { findNode, type Input } from '../find.js';
import { checkTakesUsers, credentialsOf, usersOf } from './users.js';

/** ComputeNode_UpdateUser replaces everything but isAdmin; what is absent is as if never given. */
export const computeNodeUpdateUser = (
  input: Input<NodeUserUpdate> & { poolId: string; nodeId: string; userName: string },
): Command<void> => ({
  name: 'computeNodeUpdateUser',
  run(transaction) {
    const { now } = transaction;
    const node = findNode(transaction, input.account, input.poolId, input.nodeId);
    checkTakesUsers(node);
    const users = usersOf(node, now);
    const present = users.find(({ name }) => name === input.userName);
    if (present === undefined)
      throw new BatchError('NodeUserNotFound', [{ key: 'UserName', value: input.userName }]);
    const { name, isAdmin, diskIncarnation } = present;
    const user = { name, isAdmin, diskIncarnation, ...credentialsOf(input.body, now) };
    node.users = users.map((one) => (one === present ? user : one));
    transaction.changed('node', node);
  },
});
