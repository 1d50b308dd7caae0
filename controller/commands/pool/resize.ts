import { BatchError } from '../../../protocol/batch/errors.js';
import type { PoolResize } from '../../../protocol/batch/pool.js';
import { durationMs } from '../../../protocol/time.js';
import { beginResize } from '../../core/pool/transition.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type Input } from '../find.js';

/** Pool_Resize: only while steady; an omitted target stays. */
export const poolResize = ({
  account,
  poolId,
  conditions,
  body,
}: Input<PoolResize> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolResize',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    if (pool.specification.enableAutoScale)
      throw new BatchError('OperationInvalidForCurrentState', [
        { key: 'Reason', value: 'Automatic scaling is enabled on the pool; disable it first' },
      ]);
    if (pool.allocationState !== 'steady') throw new BatchError('PoolBeingResized');
    pool.targetDedicatedNodes = body.targetDedicatedNodes ?? pool.targetDedicatedNodes;
    pool.targetLowPriorityNodes = body.targetLowPriorityNodes ?? pool.targetLowPriorityNodes;
    beginResize(transaction, pool, durationMs(body.resizeTimeout), body.nodeDeallocationOption);
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
