import { BatchError } from '../../../protocol/batch/errors.js';
import type { PoolEvaluateAutoScale } from '../../../protocol/batch/pool.js';
import { tryFormula } from '../../core/pool/autoscale.js';
import type { AutoScaleRun } from '../../core/pool/state.js';
import type { Command } from '../../engine/command.js';
import { findActivePool, type Input } from '../find.js';

/**
 * Pool_EvaluateAutoScale: what a formula would decide now, errors included; the pool stays as it is.
 * Only where automatic scaling is on.
 */
export const poolEvaluateAutoScale = ({
  account,
  poolId,
  body,
}: Input<PoolEvaluateAutoScale> & { poolId: string }): Command<AutoScaleRun> => ({
  name: 'poolEvaluateAutoScale',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    if (!pool.specification.enableAutoScale)
      throw new BatchError(
        'OperationInvalidForCurrentState',
        [{ key: 'Reason', value: 'Automatic scaling is not enabled on the pool' }],
        'A formula can be evaluated only while automatic scaling is enabled on the pool.',
      );
    return tryFormula(transaction, pool, body.autoScaleFormula).run;
  },
});
