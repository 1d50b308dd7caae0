import type { PoolPatch } from '../../../protocol/batch/pool.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findActivePool, replaced, type Input } from '../find.js';
import { checkApplicationPackages } from '../../core/pool/application-package-references.js';
import { noteLateChanges } from '../../core/pool/late-changes.js';
import { checkCertificates } from '../../core/pool/certificate-references.js';

/** Pool_Patch: replaces the named properties. Nodes that run take notice at their next boot. */
export const poolPatch = ({
  account,
  poolId,
  conditions,
  body,
}: Input<PoolPatch> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolPatch',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkConditions(conditions, pool);
    checkCertificates(transaction, account, body.certificateReferences);
    checkApplicationPackages(transaction, account, body.applicationPackageReferences);
    const before = pool.specification;
    const { startTask, ...others } = body;
    pool.specification = replaced(pool.specification, others);
    if (startTask === null) delete pool.specification.startTask;
    else if (startTask !== undefined) pool.specification.startTask = startTask;
    noteLateChanges(transaction, pool, before);
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
