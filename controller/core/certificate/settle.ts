import { certificateKey } from '../../../protocol/keys.js';
import { certificatesOf } from '../pool/late-changes.js';
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

type References = Pool['specification']['certificateReferences'];

const names = (account: Pool['account'], references: References, certificate: Certificate) =>
  (references ?? []).some(
    (one) => certificateKey(account, one.thumbprintAlgorithm, one.thumbprint) === certificate.key,
  );

type DeleteError = NonNullable<Certificate['deleteError']>;

/** Who still uses the certificate: pools that name it, or nodes that have it until their next boot. */
function usersOf({ state }: Recorder, certificate: Certificate): DeleteError | undefined {
  const { account } = certificate;
  const own = [...state.pools.values()].filter((pool) => pool.account === account);
  const pools = own.filter((pool) =>
    names(account, pool.specification.certificateReferences, certificate),
  );
  if (pools.length > 0)
    return {
      code: 'PoolsReferencingCertificate',
      message: 'One or more pools reference the certificate',
      values: [{ name: 'Pools', value: pools.map(({ id }) => id).join(',') }],
    };
  const nodes = own
    .filter(({ late }) => late?.past !== undefined)
    .flatMap((pool) =>
      [...(state.nodesOfPool.get(pool.key) ?? [])].filter((node) =>
        names(account, certificatesOf(pool, node), certificate),
      ),
    );
  if (nodes.length === 0) return undefined;
  return {
    code: 'NodesReferencingCertificate',
    message: 'One or more nodes have the certificate until they are restarted',
    values: [{ name: 'Nodes', value: nodes.map(({ id }) => id).join(',') }],
  };
}

/** deleting → gone, or deletefailed while a pool or a node uses it. */
export function settleCertificate(recorder: Recorder, certificate: Certificate): void {
  if (certificate.state !== 'deleting' || certificate.stateTransitionTime === recorder.now) return;
  const users = usersOf(recorder, certificate);
  if (users === undefined) {
    recorder.removed('certificate', certificate);
    recorder.state.certificates.delete(certificate.key);
    return;
  }
  certificate.deleteError = users;
  moveCertificate(recorder, certificate, 'deletefailed');
}
