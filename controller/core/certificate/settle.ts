import { certificateKey } from '../../../protocol/keys.js';
import type { Pool } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import type { Certificate, CertificateState } from './state.js';

export function moveCertificate(
  recorder: Recorder,
  certificate: Certificate,
  to: CertificateState,
): void {
  certificate.previousState = certificate.state;
  certificate.previousStateTransitionTime = certificate.stateTransitionTime;
  certificate.state = to;
  certificate.stateTransitionTime = recorder.now;
  recorder.changed('certificate', certificate);
  recorder.state.toSettle.certificates.add(certificate.key);
}

/** When time alone changes the certificate: `deleting` can be seen at least until the next tick. */
export const certificateDeadline = (recorder: Recorder, certificate: Certificate) =>
  certificate.state === 'deleting' ? recorder.now + 1 : Infinity;

const refersTo = (pool: Pool, certificate: Certificate) =>
  pool.account === certificate.account &&
  (pool.specification.certificateReferences ?? []).some(
    (one) =>
      certificateKey(pool.account, one.thumbprintAlgorithm, one.thumbprint) === certificate.key,
  );

/** deleting → gone, or deletefailed while a pool uses it. */
export function settleCertificate(recorder: Recorder, certificate: Certificate): void {
  if (certificate.state !== 'deleting' || certificate.stateTransitionTime === recorder.now) return;
  const pools = [...recorder.state.pools.values()].filter((pool) => refersTo(pool, certificate));
  if (pools.length === 0) {
    recorder.removed('certificate', certificate);
    recorder.state.certificates.delete(certificate.key);
    return;
  }
  certificate.deleteError = {
    code: 'PoolsReferencingCertificate',
    message: 'One or more pools reference the certificate',
    values: [{ name: 'Pools', value: pools.map((pool) => pool.id).join(',') }],
  };
  moveCertificate(recorder, certificate, 'deletefailed');
}
