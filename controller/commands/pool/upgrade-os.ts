import { BatchError } from '../../../protocol/batch/errors.js';
import type { PoolUpgradeOS } from '../../../protocol/batch/pool.js';
import { beginUpgrade } from '../../core/pool/cloud-service.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type Input } from '../find.js';

/** Pool_UpgradeOS, of old api-versions: for pools with cloudServiceConfiguration, one upgrade at a time. */
export const poolUpgradeOS = ({
  account,
  poolId,
  conditions,
  body,
}: Input<PoolUpgradeOS> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolUpgradeOS',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    const configuration = pool.specification.cloudServiceConfiguration;
    if (configuration === undefined) throw new BatchError('PoolNotEligibleForOSVersionUpgrade');
    const isSame = configuration.osVersion.toLowerCase() === body.targetOSVersion.toLowerCase();
    if (pool.upgrade !== undefined && !isSame) throw new BatchError('UpgradePoolVersionConflict');
    if (isSame) throw new BatchError('PoolVersionEqualsUpgradeVersion');
    if (pool.allocationState !== 'steady') throw new BatchError('PoolBeingResized');
    beginUpgrade(transaction, pool, body.targetOSVersion);
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
