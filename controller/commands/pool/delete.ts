import { deletePool } from '../../core/pool/transition.js';
import { checkConditions, type Command } from '../../engine/command.js';
import { findActivePool, type BodyLess } from '../find.js';

/** Pool_Delete: its nodes go (tasks are requeued), then the pool. Jobs that point at it stay. */
export const poolDelete = ({
  account,
  poolId,
  conditions,
}: BodyLess & { poolId: string }): Command<void> => ({
  name: 'poolDelete',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    deletePool(transaction, pool);
  },
});
