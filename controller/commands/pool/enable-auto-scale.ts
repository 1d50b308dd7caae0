import { BatchError } from '../../../protocol/batch/errors.js';
import { DEFAULTS, LIMITS } from '../../../protocol/batch/limits.js';
import type { PoolEnableAutoScale } from '../../../protocol/batch/pool.js';
import { evaluatePool } from '../../core/pool/autoscale.js';
import type { Pool } from '../../core/pool/state.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type Input } from '../find.js';
import { checkAutoScale } from '../../core/pool/autoscale-settings.js';

/**
 * Pool_EnableAutoScale: while steady, and once in 30 seconds; what is left out stays. A new interval
 * begins a new schedule. The formula is evaluated at once. Saying again what already holds changes nothing.
 */
export const poolEnableAutoScale = ({
  account,
  poolId,
  conditions,
  body,
}: Input<PoolEnableAutoScale> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolEnableAutoScale',
  run(transaction) {
    const { now, settings } = transaction;
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    checkGiven(pool, body);
    checkAutoScale(settings, body);
    const { specification, autoScale } = pool;
    const isOn = specification.enableAutoScale;
    const formula = body.autoScaleFormula ?? specification.autoScaleFormula;
    const kept = isOn ? specification.autoScaleEvaluationInterval : undefined;
    const interval =
      body.autoScaleEvaluationInterval ?? kept ?? DEFAULTS.autoScaleEvaluationInterval;
    if (now < (autoScale?.enabledAt ?? -Infinity) + LIMITS.autoScaleEnablePauseMs)
      throw new BatchError('TooManyEnableAutoScaleRequests');
    const onQueueChange = body.autoScaleOnQueueChange ?? specification.autoScaleOnQueueChange;
    const isSame =
      formula === specification.autoScaleFormula &&
      interval === kept &&
      onQueueChange === specification.autoScaleOnQueueChange;
    if (isOn && isSame) return entityReply(pool);
    if (pool.allocationState !== 'steady') throw new BatchError('PoolBeingResized');
    pool.specification = {
      ...specification,
      enableAutoScale: true,
      autoScaleFormula: formula,
      autoScaleEvaluationInterval: interval,
      autoScaleOnQueueChange: onQueueChange,
    };
    pool.autoScale = { ...autoScale, enabledAt: now };
    if (interval !== kept) pool.autoScale.evaluateAt = now;
    transaction.touched('pool', pool);
    evaluatePool(transaction, pool);
    return entityReply(pool);
  },
});

/** A formula while automatic scaling is off, one of the two while it is on. */
function checkGiven({ specification }: Pool, body: PoolEnableAutoScale): void {
  const { autoScaleFormula, autoScaleEvaluationInterval, autoScaleOnQueueChange } = body;
  if (autoScaleFormula !== undefined) return;
  const isChange = (autoScaleEvaluationInterval ?? autoScaleOnQueueChange) !== undefined;
  if (specification.enableAutoScale && isChange) return;
  throw new BatchError('InvalidAutoScalingSettings', [
    { key: 'PropertyName', value: 'autoScaleFormula' },
    {
      key: 'Reason',
      value: specification.enableAutoScale
        ? 'autoScaleFormula or autoScaleEvaluationInterval must be given'
        : 'autoScaleFormula is required to enable automatic scaling',
    },
  ]);
}
