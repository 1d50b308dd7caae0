import type { PoolUpdateProperties } from '../../../protocol/batch/pool.js';
import { entityReply, type Command, type EntityReply } from '../../engine/command.js';
import { findActivePool, replaced, type Input } from '../find.js';
import { checkApplicationPackages } from '../../core/pool/application-package-references.js';
import { noteLateChanges } from '../../core/pool/late-changes.js';
import { checkCertificates } from '../../core/pool/certificate-references.js';

/** Pool_UpdateProperties: full replacement, an absent start task is removed. */
export const poolUpdateProperties = ({
  account,
  poolId,
  body,
}: Input<PoolUpdateProperties> & { poolId: string }): Command<EntityReply> => ({
  name: 'poolUpdateProperties',
  run(transaction) {
    const pool = findActivePool(transaction, account, poolId);
    checkCertificates(transaction, account, body.certificateReferences);
    checkApplicationPackages(transaction, account, body.applicationPackageReferences);
    const before = pool.specification;
    const { startTask: _startTask, ...rest } = before;
    pool.specification = replaced(rest, body);
    noteLateChanges(transaction, pool, before);
    transaction.touched('pool', pool);
    return entityReply(pool);
  },
});
