import { BatchError } from '../../../protocol/batch/errors.js';
import { moveCertificate } from '../../core/certificate/settle.js';
import type { Command } from '../../engine/command.js';
import { findCertificate, type BodyLess } from '../find.js';

type CertificateInput = BodyLess & { thumbprintAlgorithm: string; thumbprint: string };

/** Certificate_CancelDeletion: deletefailed → active. */
export const certificateCancelDeletion = ({
  account,
  thumbprintAlgorithm,
  thumbprint,
}: CertificateInput): Command<void> => ({
  name: 'certificateCancelDeletion',
  run(transaction) {
    const certificate = findCertificate(transaction, account, thumbprintAlgorithm, thumbprint);
    if (certificate.state === 'active') throw new BatchError('CertificateStateActive');
    if (certificate.state === 'deleting') throw new BatchError('CertificateBeingDeleted');
    delete certificate.deleteError;
    moveCertificate(transaction, certificate, 'active');
  },
});
