import { BatchError } from '../../../protocol/batch/errors.js';
import type { PoolAdd } from '../../../protocol/batch/pool.js';
import { certificateKey, type AccountKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';

/** Every certificate that a pool refers to must be there and not be leaving. */
export function checkCertificates(
  { state }: Recorder,
  account: AccountKey,
  references: PoolAdd['certificateReferences'],
): void {
  const unknown = (references ?? []).filter(({ thumbprintAlgorithm, thumbprint }) => {
    const certificate = state.certificates.get(
      certificateKey(account, thumbprintAlgorithm, thumbprint),
    );
    return certificate === undefined || certificate.state === 'deleting';
  });
  if (unknown.length === 0) return;
  throw new BatchError(
    'InvalidCertificateReferences',
    unknown.map((one) => ({ key: 'Thumbprint', value: one.thumbprint })),
  );
}
