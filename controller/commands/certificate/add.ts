import { BatchError } from '../../../protocol/batch/errors.js';
import { certificateKey } from '../../../protocol/keys.js';
import type { Certificate } from '../../core/certificate/state.js';
import type { Command } from '../../engine/command.js';
import type { Input } from '../find.js';

/** The certificate after its data was parsed and sealed. */
export type ParsedCertificate = Pick<
  Certificate,
  'thumbprint' | 'thumbprintAlgorithm' | 'format' | 'publicData' | 'sealedData' | 'sealedPassword'
>;

/** Certificate_Add. */
export const certificateAdd = ({ account, body }: Input<ParsedCertificate>): Command<void> => ({
  name: 'certificateAdd',
  run(transaction) {
    const { state, now } = transaction;
    const key = certificateKey(account, body.thumbprintAlgorithm, body.thumbprint);
    const present = state.certificates.get(key);
    if (present !== undefined)
      throw new BatchError(
        present.state === 'deleting' ? 'CertificateBeingDeleted' : 'CertificateExists',
      );
    const { thumbprint, thumbprintAlgorithm, format, publicData, sealedData, sealedPassword } =
      body;
    const certificate: Certificate = {
      key,
      account,
      thumbprint,
      thumbprintAlgorithm,
      format,
      publicData,
      sealedData,
      ...(sealedPassword === undefined ? {} : { sealedPassword }),
      state: 'active',
      stateTransitionTime: now,
      creationTime: now,
    };
    state.certificates.set(key, certificate);
    transaction.changed('certificate', certificate);
  },
});
