import { CertificateAdd } from '../../../protocol/batch/certificate.js';
import { validate } from '../../../protocol/batch/validation.js';
import type { CertificateKey } from '../../../protocol/keys.js';
import { certificateKey } from '../../../protocol/keys.js';
import { CERTIFICATE_NAME, CertificateCreate } from '../../../protocol/management/certificate.js';
import { formatTime } from '../../../protocol/time.js';
import { certificateAdd } from '../../commands/certificate/add.js';
import { certificateCancelDeletion } from '../../commands/certificate/cancel-deletion.js';
import { certificateDelete } from '../../commands/certificate/delete.js';
import { certificateUpdate } from '../../commands/certificate/update.js';
import type { Certificate } from '../../core/certificate/state.js';
import { sealCertificate } from '../batch/certificate.js';
import { readConditions } from '../middleware/conditions.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { accountOfPath, nameOf, sendJson, sendNothing } from './call.js';
import { badRequest, ManagementError, resourceNotFound } from './errors.js';
import { sendDeleteStarted } from './long-running.js';
import type { ArmDocument } from './page.js';
import { sendMatching } from './page.js';

const STATES = { active: 'Succeeded', deleting: 'Deleting', deletefailed: 'Failed' } as const;

/** `{algorithm}-{thumbprint}` of the path. */
function readName(call: ManagementCall) {
  const name = nameOf(call, 'certificateName');
  const [, thumbprintAlgorithm = '', thumbprint = ''] = CERTIFICATE_NAME.exec(name) ?? [];
  if (thumbprint === '')
    throw badRequest(
      'InvalidCertificateName',
      `The certificate name ${name.slice(0, 64)} is invalid: it must be {algorithm}-{thumbprint}.`,
      'certificateName',
    );
  return { thumbprintAlgorithm: thumbprintAlgorithm.toLowerCase(), thumbprint };
}

function lookUp(call: ManagementCall): Readonly<Certificate> | undefined {
  const account = accountOfPath(call);
  const { thumbprintAlgorithm, thumbprint } = readName(call);
  const key = certificateKey(account.key, thumbprintAlgorithm, thumbprint);
  return call.ports.view.certificates.get(key);
}

function find(call: ManagementCall): Readonly<Certificate> {
  const certificate = lookUp(call);
  if (certificate === undefined) throw resourceNotFound(nameOf(call, 'certificateName'));
  return certificate;
}

const etagOfCertificate = ({ stateTransitionTime, changes = 0 }: Readonly<Certificate>) =>
  `W/"0x${stateTransitionTime.toString(16).toUpperCase()}${changes === 0 ? '' : `-${changes}`}"`;

function armCertificate(call: ManagementCall, certificate: Readonly<Certificate>): ArmDocument {
  const account = accountOfPath(call);
  const name = `${certificate.thumbprintAlgorithm}-${certificate.thumbprint.toLowerCase()}`;
  const { state, previousState, previousStateTransitionTime, deleteError } = certificate;
  return {
    id: `/subscriptions/${account.subscriptionId}/resourceGroups/${account.resourceGroup}/providers/Microsoft.Batch/batchAccounts/${account.name}/certificates/${name}`,
    name,
    type: 'Microsoft.Batch/batchAccounts/certificates',
    etag: etagOfCertificate(certificate),
    properties: {
      thumbprintAlgorithm: certificate.thumbprintAlgorithm,
      thumbprint: certificate.thumbprint.toLowerCase(),
      format: certificate.format === 'pfx' ? 'Pfx' : 'Cer',
      publicData: certificate.publicData,
      provisioningState: STATES[state],
      provisioningStateTransitionTime: formatTime(certificate.stateTransitionTime),
      ...(previousState !== undefined && { previousProvisioningState: STATES[previousState] }),
      ...(previousStateTransitionTime !== undefined && {
        previousProvisioningStateTransitionTime: formatTime(previousStateTransitionTime),
      }),
      ...(deleteError !== undefined && {
        deleteCertificateError: {
          code: deleteError.code,
          message: deleteError.message,
          details: deleteError.values.map(({ name: code, value: message }) => ({ code, message })),
        },
      }),
    },
  };
}

function send(call: ManagementCall, certificate: Readonly<Certificate>): void {
  call.context.set('ETag', etagOfCertificate(certificate));
  sendJson(call, armCertificate(call, certificate));
}

/** The body of create and update: it must agree with the name, and its data with both. */
function sealedBody(call: ManagementCall) {
  const named = readName(call);
  const { properties } = validate(CertificateCreate, call.body);
  const differs = (text: string | undefined, name: string) =>
    text !== undefined && text.toLowerCase() !== name.toLowerCase();
  if (
    differs(properties.thumbprint, named.thumbprint) ||
    differs(properties.thumbprintAlgorithm, named.thumbprintAlgorithm)
  )
    throw badRequest(
      'InvalidPropertyValue',
      "The thumbprint and its algorithm must agree with the certificate's name.",
      'thumbprint',
    );
  const body = validate(CertificateAdd, {
    ...named,
    data: properties.data,
    certificateFormat: properties.format,
    password: properties.password ?? null,
  });
  return sealCertificate(call.ports, body);
}

/** The certificate of the path; If-Match and If-None-Match say whether it may be there, and which. */
function known(call: ManagementCall): Readonly<Certificate> | undefined {
  const found = lookUp(call);
  const { ifMatch, ifNoneMatch } = readConditions(call.context) ?? {};
  const fits =
    ifMatch === undefined ||
    (found !== undefined && [etagOfCertificate(found), '*'].includes(ifMatch.trim()));
  if (!fits || (found !== undefined && ifNoneMatch === '*'))
    throw new ManagementError(
      412,
      'PreconditionFailed',
      `The certificate ${nameOf(call, 'certificateName')} is not as If-Match or If-None-Match demands.`,
    );
  return found;
}

/** PUT: makes the certificate, or replaces the data of one that is there. */
export const createCertificate: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const change = known(call) === undefined ? certificateAdd : certificateUpdate;
  await call.ports.submit(change({ account: account.key, body: sealedBody(call) }));
  send(call, find(call));
};

export const updateCertificate: ManagementHandler = async (call) => {
  find(call);
  known(call);
  const { key: account } = accountOfPath(call);
  await call.ports.submit(certificateUpdate({ account, body: sealedBody(call) }));
  send(call, find(call));
};

export const getCertificate: ManagementHandler = async (call) => send(call, find(call));

export const listCertificates: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const own = [...call.ports.view.certificates.values()].filter(
    (certificate) => certificate.account === account.key,
  );
  const documents = own.map((certificate) => armCertificate(call, certificate));
  sendMatching(call, 'armCertificates', documents);
};

const pathOf = (certificate: Readonly<Certificate>) => ({
  account: certificate.account,
  thumbprintAlgorithm: certificate.thumbprintAlgorithm,
  thumbprint: certificate.thumbprint,
});

export const deleteCertificate: ManagementHandler = async (call) => {
  const certificate = lookUp(call);
  if (certificate === undefined) return sendNothing(call, 204);
  const { key, creationTime } = certificate;
  await call.ports.submit(certificateDelete({ ...pathOf(certificate), body: undefined }));
  if (isThere(call, key, creationTime)) sendDeleteStarted(call, creationTime);
  else sendNothing(call);
};

const isThere = (call: ManagementCall, key: CertificateKey, creationTime: number): boolean =>
  call.ports.view.certificates.get(key)?.creationTime === creationTime;

/** Polled after a delete: 202 while it goes on, 200 once it is over, whichever way. */
export const deleteResult: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const { thumbprintAlgorithm, thumbprint } = readName(call);
  const key = certificateKey(account.key, thumbprintAlgorithm, thumbprint);
  const creationTime = Number(nameOf(call, 'creationTime'));
  const state = call.ports.view.certificates.get(key)?.state;
  if (isThere(call, key, creationTime) && state === 'deleting')
    sendDeleteStarted(call, creationTime);
  else sendNothing(call);
};

export const cancelDeletion: ManagementHandler = async (call) => {
  const certificate = find(call);
  await call.ports.submit(certificateCancelDeletion({ ...pathOf(certificate), body: undefined }));
  send(call, find(call));
};
