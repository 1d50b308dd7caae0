import { BatchError } from '../../../protocol/batch/errors.js';
import { moveCertificate } from '../../core/certificate/settle.js';
import type { Command } from '../../engine/command.js';
import { findCertificate, type BodyLess } from '../find.js';

type CertificateInput = BodyLess & { thumbprintAlgorithm: string; thumbprint: string };

/** Certificate_Delete: gone, or deletefailed while a pool or a node uses it. */
export const certificateDelete = ({
  account,
  thumbprintAlgorithm,
  thumbprint,
}: CertificateInput): Command<void> => ({
  name: 'certificateDelete',
  run(transaction) {
    const certificate = findCertificate(transaction, account, thumbprintAlgorithm, thumbprint);
    if (certificate.state === 'deleting') throw new BatchError('CertificateBeingDeleted');
    delete certificate.deleteError;
    moveCertificate(transaction, certificate, 'deleting');
  },
});
