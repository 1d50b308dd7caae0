import { BatchError } from '../../../protocol/batch/errors.js';
import { certificateKey } from '../../../protocol/keys.js';
import type { GetInput, QueryContext } from '../context.js';
import { parseSelect } from '../select.js';
import { CERTIFICATE_PROPERTIES, certificateBody } from './wire.js';

/** Certificate_Get; certificates have no ETag. @throws BatchError CertificateNotFound */
export async function certificateGet(
  context: QueryContext,
  input: GetInput & { thumbprintAlgorithm: string; thumbprint: string },
): Promise<{ body: object }> {
  const select = parseSelect(input.select, CERTIFICATE_PROPERTIES);
  const key = certificateKey(input.account, input.thumbprintAlgorithm, input.thumbprint);
  const certificate = await context.reader.get('certificate', key);
  if (certificate === undefined) throw new BatchError('CertificateNotFound');
  return { body: select(certificateBody(certificate, context.baseUrl)) };
}
