import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { PoolUpgradeImage } from '../../../protocol/batch/pool.js';
import { imageProvider } from '../../core/pool/check.js';
import { beginImageUpgrade } from '../../core/pool/upgrade-image.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, type Input } from '../find.js';

/** Pool_UpgradeImage, an extension: the pool's nodes get another image, some at a time; one upgrade at a time. */
export const poolUpgradeImage = ({
  account,
  poolId,
  conditions,
  body,
}: Input<PoolUpgradeImage> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolUpgradeImage',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    const { virtualMachineConfiguration } = pool.specification;
    if (virtualMachineConfiguration === undefined) throw new BatchError('OperationNotValidOnPool');
    if (pool.imageUpgrade !== undefined) throw new BatchError('UpgradePoolVersionConflict');
    const { imageReference, nodeAgentSKUId = virtualMachineConfiguration.nodeAgentSKUId } = body;
    const provider = imageProvider(transaction, {
      ...pool.specification,
      virtualMachineConfiguration: {
        ...virtualMachineConfiguration,
        imageReference,
        nodeAgentSKUId,
      },
    });
    if (provider !== pool.nodeProvider)
      throw invalidPropertyValue(
        'imageReference',
        imageReference.sku ?? imageReference.virtualMachineImageId ?? '',
        `nodes of the pool are made by the provider ${pool.nodeProvider}, those of the image by ${provider}`,
      );
    beginImageUpgrade(transaction, pool, body);
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
