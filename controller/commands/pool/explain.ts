import type { Reason } from '../../../protocol/batch/explain.js';
import { explainPool } from '../../core/explain/pool.js';
import type { Command } from '../../engine/command.js';
import { findPool, type BodyLess } from '../find.js';

/** Pool_Explain: why the pool has the nodes it has. Changes nothing. */
export const poolExplain = ({
  account,
  poolId,
}: BodyLess & { poolId: string }): Command<{ id: string; state: string; reasons: Reason[] }> => ({
  name: 'poolExplain',
  run(transaction) {
    const pool = findPool(transaction, account, poolId);
    return { id: pool.id, state: pool.state, reasons: explainPool(transaction, pool) };
  },
});
