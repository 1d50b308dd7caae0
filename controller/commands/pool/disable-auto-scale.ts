import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type BodyLess } from '../find.js';

/** Pool_DisableAutoScale: targets and nodes stay as they are. Off already is fine. */
export const poolDisableAutoScale = ({
  account,
  poolId,
  conditions,
}: BodyLess & { poolId: string }): Command<EntityReply> => ({
  name: 'poolDisableAutoScale',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    if (!pool.specification.enableAutoScale) return entityReply(pool);
    const {
      autoScaleFormula: _formula,
      autoScaleEvaluationInterval: _interval,
      autoScaleOnQueueChange: _onQueueChange,
      ...rest
    } = pool.specification;
    pool.specification = { ...rest, enableAutoScale: false };
    const enabledAt = pool.autoScale?.enabledAt;
    pool.autoScale = enabledAt === undefined ? {} : { enabledAt };
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
