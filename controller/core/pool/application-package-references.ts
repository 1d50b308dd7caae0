import { BatchError } from '../../../protocol/batch/errors.js';
import type { AccountKey } from '../../../protocol/keys.js';
import { resolvePackage } from '../application/resolve.js';
import type { ApplicationPackageReference } from '../application/resolve.js';
import type { Recorder } from '../recorder.js';

/** Every package that a pool refers to must be there and activated; tasks find out when they run. */
export function checkApplicationPackages(
  { state }: Recorder,
  account: AccountKey,
  references: readonly ApplicationPackageReference[] | undefined,
): void {
  const values = (references ?? []).flatMap((reference) => {
    const resolved = resolvePackage(state, account, reference);
    return 'problem' in resolved ? [{ key: reference.applicationId, value: resolved.problem }] : [];
  });
  if (values.length > 0) throw new BatchError('InvalidApplicationPackageReferences', values);
}
