import { BatchError } from '../../../protocol/batch/errors.js';
import { stayInPool } from '../../core/node/stay.js';
import { moveAllocation } from '../../core/pool/transition.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type BodyLess } from '../find.js';

/** Pool_StopResize: targets stay, nodes that were leaving and still have tasks stay; the ETag is the old one. */
export const poolStopResize = ({
  account,
  poolId,
  conditions,
}: BodyLess & { poolId: string }): Command<EntityReply> => ({
  name: 'poolStopResize',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    if (pool.allocationState !== 'resizing')
      throw new BatchError('OperationInvalidForCurrentState');
    moveAllocation(transaction, pool, 'stopping');
    for (const node of transaction.state.nodesOfPool.get(pool.key) ?? [])
      stayInPool(transaction, node);
    return entityReply(pool);
  },
});
