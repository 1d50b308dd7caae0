import { BatchError } from '../../../protocol/batch/errors.js';
import type { Command } from '../../engine/command.js';
import { findCertificate, type Input } from '../find.js';
import type { ParsedCertificate } from './add.js';

/** Certificate_Update of the management plane: other data for the same thumbprint. Nodes take it when they boot. */
export const certificateUpdate = ({ account, body }: Input<ParsedCertificate>): Command<void> => ({
  name: 'certificateUpdate',
  run(transaction) {
    const { thumbprintAlgorithm, thumbprint, format, publicData, sealedData, sealedPassword } =
      body;
    const certificate = findCertificate(transaction, account, thumbprintAlgorithm, thumbprint);
    if (certificate.state === 'deleting') throw new BatchError('CertificateBeingDeleted');
    certificate.format = format;
    certificate.publicData = publicData;
    certificate.sealedData = sealedData;
    if (sealedPassword === undefined) delete certificate.sealedPassword;
    else certificate.sealedPassword = sealedPassword;
    certificate.changes = (certificate.changes ?? 0) + 1;
    transaction.changed('certificate', certificate);
  },
});
