import type { CertificateAdd, SealedCertificate } from '../../../protocol/batch/certificate.js';
import { certificateAdd } from '../../commands/certificate/add.js';
import { certificateCancelDeletion } from '../../commands/certificate/cancel-deletion.js';
import { certificateDelete } from '../../commands/certificate/delete.js';
import { certificateGet } from '../../queries/certificate/get.js';
import { certificateList } from '../../queries/certificate/list.js';
import type { HttpPorts } from '../ports.js';
import { commandInput, idsOf, queryContext } from './call-input.js';
import { publicDataOf } from './certificate-data.js';
import { listInput, readInput } from './list-query.js';
import { sendAdded, sendJson, sendList, sendNothing } from './reply.js';
import type { Handlers, IdsOf } from './router.js';

const IDS = ['thumbprintAlgorithm', 'thumbprint'] as const;

/** Checks data, password and thumbprint, and seals what is secret before anything else sees it. */
export function sealCertificate(ports: HttpPorts, body: CertificateAdd): SealedCertificate {
  const publicData = publicDataOf(body);
  return {
    thumbprint: body.thumbprint.toLowerCase(),
    thumbprintAlgorithm: body.thumbprintAlgorithm,
    format: body.certificateFormat,
    publicData,
    sealedData: ports.keys.seal(body.data),
    ...(body.certificateFormat === 'pfx' && {
      sealedPassword: ports.keys.seal(body.password ?? ''),
    }),
  };
}

export const certificateHandlers: Handlers<IdsOf<'Certificate'>> = {
  async Certificate_Add(call) {
    const body = sealCertificate(call.ports, call.body);
    await call.ports.submit(certificateAdd({ account: call.account, body }));
    const names = `thumbprintAlgorithm=${body.thumbprintAlgorithm},thumbprint=${body.thumbprint}`;
    sendAdded(call, `/certificates(${names})`);
  },
  async Certificate_List(call) {
    sendList(call, 'certificates', await certificateList(queryContext(call), listInput(call)));
  },
  async Certificate_Get(call) {
    const input = { ...readInput(call), ...idsOf(call, ...IDS) };
    const found = await certificateGet(queryContext(call), input);
    sendJson(call, 'certificates/@Element', found.body);
  },
  async Certificate_Delete(call) {
    await call.ports.submit(certificateDelete(commandInput(call, ...IDS)));
    sendNothing(call);
  },
  async Certificate_CancelDeletion(call) {
    await call.ports.submit(certificateCancelDeletion(commandInput(call, ...IDS)));
    sendNothing(call);
  },
};
