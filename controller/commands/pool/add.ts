import { BatchError } from '../../../protocol/batch/errors.js';
import type { PoolAdd } from '../../../protocol/batch/pool.js';
import { poolKey } from '../../../protocol/keys.js';
import { addPool } from '../../core/pool/add.js';
import { checkPool } from '../../core/pool/check.js';
import { entityReply, type Command, type EntityReply } from '../../engine/command.js';
import type { Input } from '../find.js';

/** Pool_Add: `resizing` at once, even to no nodes. */
export const poolAdd = ({ account, body }: Input<PoolAdd>): Command<EntityReply> => ({
  name: 'poolAdd',
  run(transaction) {
    const present = transaction.state.pools.get(poolKey(account, body.id));
    if (present !== undefined)
      throw new BatchError(present.state === 'deleting' ? 'PoolBeingDeleted' : 'PoolExists');
    const nodeProvider = checkPool(transaction, account, body);
    return entityReply(addPool(transaction, account, body, nodeProvider));
  },
});
