import { ACCOUNT_GONE, accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { shapeFailures } from '../check.js';
import { diffResult, replacedBy } from '../compare.js';
import { about, isCode } from '../failure.js';
import { holdsUnknown, listOf, objectOf, same, textOf, type Properties } from '../json.js';
import type { CheckFailure, Kind } from '../kind.js';
import type { AccountName, DataPlane, Ports } from '../ports.js';
import { timeoutsFailures } from '../timeouts.js';
import { timeoutMs, TimedOut, waitUntil } from '../wait.js';
import { CHILD_SHAPE } from '../wire-kind.js';
import { encryptFor } from './encrypt.js';
import { describePem, publicPart, type PublicPart } from './parse.js';
import { makeSelfSigned } from './self-signed.js';

const { adoptExisting: _none, ...childShape } = CHILD_SHAPE;
const SHAPE = {
  ...childShape,
  thumbprint: 'text',
  thumbprintAlgorithm: 'text',
  data: 'text',
  password: 'text',
  format: 'text',
  selfSigned: 'object',
  secrets: 'object',
} as const;
const MATERIAL = ['data', 'password', 'format', 'selfSigned'] as const;
const ALGORITHM = 'sha1';

const formatOf = (inputs: Properties) =>
  String(inputs.format ?? 'Pfx').toLowerCase() === 'cer' ? 'cer' : 'pfx';
const titleOf = (props: Properties) =>
  `Certificate ${textOf(props.thumbprint) ?? textOf(objectOf(props.selfSigned).commonName) ?? ''} (account ${String(props.accountName)})`;

export const certificate: Kind = {
  name: 'Certificate',
  async check(_olds, news) {
    const shape = shapeFailures(news, SHAPE, ['accountName']);
    const failures =
      shape.length > 0 ? shape : [...materialFailures(news), ...timeoutsFailures(news.timeouts)];
    return Promise.resolve({ inputs: news, failures });
  },

  diff(_id, olds, news) {
    const replaces: string[] = MATERIAL.filter((name) => !same(news[name], olds[name]));
    replaces.push(...replacedBy(olds, news, ['accountName', 'resourceGroupName']));
    const given = textOf(news.thumbprint);
    if (given !== undefined && normal(given) !== normal(olds.thumbprint))
      replaces.push('thumbprint');
    const result = diffResult(!same(objectOf(news.secrets), objectOf(olds.secrets)), replaces, []);
    // The new certificate stands beside the old one until the pools have switched, unless it is the same one again.
    return { ...result, deleteBeforeReplace: replaces.length > 0 && !freshThumbprint(olds, news) };
  },

  async create(inputs, ports) {
    const account = accountOf(inputs);
    return about(titleOf(inputs), async () => {
      const material = await materialOf(inputs, ports.now());
      await add(account, material, ports, timeoutMs(inputs, 'create'));
      const { thumbprint } = material.outputs;
      const encryptedSecrets = encryptAll(inputs, {}, {}, material.outputs.certificatePem);
      const outs = {
        ...inputs,
        ...material.outputs,
        ...material.made,
        encryptedSecrets,
        provisioningState: 'Succeeded',
      };
      return { id: armId(account, 'certificates', `${ALGORITHM}-${thumbprint}`), outs };
    });
  },

  async read(_id, props, ports) {
    return about(titleOf(props), async () => {
      try {
        const found = await ports
          .data(accountOf(props))
          .certificate.get(ALGORITHM, String(props.thumbprint));
        const state =
          found.state === 'active'
            ? 'Succeeded'
            : found.state === 'deleting'
              ? 'Deleting'
              : 'Failed';
        // The private part never comes back: what was given or made stays.
        return { props: { ...props, provisioningState: state } };
      } catch (error) {
        if (isCode(error, 'CertificateNotFound', ACCOUNT_GONE)) return undefined;
        throw error;
      }
    });
  },

  /** Only the secrets can change: they are encrypted anew, the others stay as they were. */
  async update(_id, olds, news) {
    const { certificatePem, encryptedSecrets, secrets } = olds;
    const computed = Object.fromEntries(
      Object.entries(olds).filter(([name]) => !(name in SHAPE) || name.startsWith('thumbprint')),
    );
    return Promise.resolve({
      ...computed,
      ...news,
      encryptedSecrets: encryptAll(
        news,
        objectOf(secrets),
        objectOf(encryptedSecrets),
        String(certificatePem),
      ),
    });
  },

  async delete(_id, props, ports) {
    await about(titleOf(props), () => remove(props, ports));
  },
};

const normal = (thumbprint: unknown) => String(thumbprint).replace(/\s/g, '').toLowerCase();

/** Unknown material counts as fresh: a changed certificate nearly always has another thumbprint. */
function freshThumbprint(olds: Properties, news: Properties): boolean {
  if (news.accountName !== olds.accountName) return true;
  if (news.selfSigned !== undefined || holdsUnknown(news.data) || holdsUnknown(news.password))
    return true;
  try {
    return (
      publicPart(String(news.data), formatOf(news), textOf(news.password)).thumbprint !==
      normal(olds.thumbprint)
    );
  } catch {
    // Data that can't be read is refused by check; until then nothing is deleted for it.
    return true;
  }
}

function materialFailures(news: Properties): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const fail = (property: string, reason: string) => void failures.push({ property, reason });
  if ((news.data === undefined) === (news.selfSigned === undefined))
    fail('selfSigned', 'exactly one of data and selfSigned must be given');
  if (
    news.format !== undefined &&
    !holdsUnknown(news.format) &&
    !['pfx', 'cer'].includes(String(news.format).toLowerCase())
  )
    fail('format', 'must be Pfx or Cer');
  if (
    news.thumbprintAlgorithm !== undefined &&
    !holdsUnknown(news.thumbprintAlgorithm) &&
    String(news.thumbprintAlgorithm).toLowerCase() !== ALGORITHM
  )
    fail('thumbprintAlgorithm', `must be ${ALGORITHM}`);
  if (news.selfSigned !== undefined) failures.push(...selfSignedFailures(news));
  const secret = Object.entries(objectOf(news.secrets)).find(
    ([, value]) => typeof value !== 'string',
  );
  if (secret) fail('', `secrets.${secret[0]} must be a text`);
  if (
    news.data === undefined ||
    failures.length > 0 ||
    [news.data, news.password, news.format].some(holdsUnknown)
  )
    return failures;
  if (formatOf(news) === 'cer' && news.password !== undefined)
    fail('format', 'a Cer has no password');
  // Pulumi prints the value of a property that failed, so what is wrong with secret ones names none.
  try {
    const { thumbprint } = publicPart(String(news.data), formatOf(news), textOf(news.password));
    const wanted = textOf(news.thumbprint);
    if (wanted !== undefined && !holdsUnknown(wanted) && normal(wanted) !== thumbprint)
      fail('thumbprint', `is not the thumbprint of the data, which is ${thumbprint}`);
  } catch (error) {
    fail('', `data ${(error as Error).message}`);
  }
  return failures;
}

function selfSignedFailures(news: Properties): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const { commonName, validityDays, keyBits, ...rest } = objectOf(news.selfSigned);
  const fail = (reason: string) => void failures.push({ property: 'selfSigned', reason });
  for (const name of ['password', 'thumbprint'])
    if (news[name] !== undefined)
      failures.push({
        property: 'selfSigned',
        reason: `${name} is made, not given, with selfSigned`,
      });
  if (formatOf(news) === 'cer')
    fail('a certificate without its private key is of no use here: leave format out');
  if (
    !holdsUnknown(commonName) &&
    (typeof commonName !== 'string' || commonName === '' || commonName.length > 64)
  )
    fail('selfSigned.commonName: must be a text of 1 to 64 characters');
  if (
    validityDays !== undefined &&
    !holdsUnknown(validityDays) &&
    !(Number.isInteger(validityDays) && Number(validityDays) >= 1 && Number(validityDays) <= 36_500)
  )
    fail('selfSigned.validityDays: must be a whole number of days, 1 to 36500');
  if (
    keyBits !== undefined &&
    !holdsUnknown(keyBits) &&
    ![2048, 3072, 4096].includes(Number(keyBits))
  )
    fail('selfSigned.keyBits: must be 2048, 3072 or 4096');
  for (const name of Object.keys(rest))
    fail(`selfSigned.${name}: is unknown; known are commonName, validityDays, keyBits`);
  return failures;
}

interface Material {
  body: Properties;
  outputs: {
    thumbprint: string;
    thumbprintAlgorithm: string;
    certificatePem: string;
    expiryTime: string;
  };
  /** Secret outputs of a certificate that was made here. */
  made: Properties;
}

async function materialOf(inputs: Properties, now: number): Promise<Material> {
  const outputs = (part: PublicPart) => ({ ...part, thumbprintAlgorithm: ALGORITHM });
  const { commonName, validityDays = 365, keyBits = 2048 } = objectOf(inputs.selfSigned);
  if (inputs.selfSigned !== undefined) {
    const made = await makeSelfSigned(
      {
        commonName: String(commonName),
        validityDays: Number(validityDays),
        keyBits: Number(keyBits),
      },
      now,
    );
    const { certificatePem, ...secret } = made;
    const part = describePem(certificatePem);
    return {
      body: body(part.thumbprint, 'pfx', made.pfxData, made.pfxPassword),
      outputs: outputs(part),
      made: secret,
    };
  }
  const format = formatOf(inputs);
  const [data, password] = [String(inputs.data), textOf(inputs.password)];
  const part = publicPart(data, format, password);
  return { body: body(part.thumbprint, format, data, password), outputs: outputs(part), made: {} };
}

const body = (
  thumbprint: string,
  certificateFormat: string,
  data: string,
  password: string | undefined,
): Properties => ({
  thumbprint,
  thumbprintAlgorithm: ALGORITHM,
  data,
  certificateFormat,
  ...(password !== undefined && { password }),
});

/** A certificate is its content, so one that is there already is the one that was asked for. */
async function add(
  account: AccountName,
  material: Material,
  ports: Ports,
  limitMs: number,
): Promise<void> {
  const data = ports.data(account);
  const { thumbprint } = material.outputs;
  await waitUntil(
    ports,
    `certificate ${thumbprint} of before is being deleted`,
    limitMs,
    async () => {
      try {
        await data.certificate.add(material.body);
        return { done: undefined };
      } catch (error) {
        if (isCode(error, 'CertificateBeingDeleted')) return { seen: 'state deleting' };
        if (!isCode(error, 'CertificateExists')) throw error;
      }
      const { state } = await data.certificate.get(ALGORITHM, thumbprint);
      if (state === 'deletefailed') await data.certificate.cancelDeletion(ALGORITHM, thumbprint);
      return state === 'deleting' ? { seen: 'state deleting' } : { done: undefined };
    },
  );
}

function encryptAll(
  inputs: Properties,
  before: Properties,
  encrypted: Properties,
  certificatePem: string,
): Properties {
  return Object.fromEntries(
    Object.entries(objectOf(inputs.secrets)).map(([name, text]) => [
      name,
      before[name] === text && encrypted[name] !== undefined
        ? encrypted[name]
        : encryptFor(certificatePem, String(text)),
    ]),
  );
}

/** Deletion fails while pools or nodes use the certificate: asked for again until they have let go. */
async function remove(props: Properties, ports: Ports): Promise<void> {
  const { certificate: certificates } = ports.data(accountOf(props));
  const thumbprint = String(props.thumbprint);
  const ask = () => askForDeletion(certificates, thumbprint);
  if (await ask()) return;
  let users = '';
  try {
    await waitUntil(
      ports,
      `certificate ${thumbprint} is being deleted`,
      timeoutMs(props, 'delete'),
      async () => {
        try {
          const found = await certificates.get(ALGORITHM, thumbprint);
          if (found.state !== 'deletefailed') return { seen: `state ${String(found.state)}` };
          users = usersOf(found);
          await ask();
          return { seen: `in use: ${users}` };
        } catch (error) {
          if (isCode(error, 'CertificateNotFound', ACCOUNT_GONE)) return { done: undefined };
          throw error;
        }
      },
    );
  } catch (error) {
    if (!(error instanceof TimedOut) || users === '') throw error;
    await certificates.cancelDeletion(ALGORITHM, thumbprint);
    throw new Error(`can't be deleted: ${users}`, { cause: error });
  }
}

/** True: it is gone already. */
async function askForDeletion(
  certificates: DataPlane['certificate'],
  thumbprint: string,
): Promise<boolean> {
  try {
    await certificates.delete(ALGORITHM, thumbprint);
    return false;
  } catch (error) {
    if (isCode(error, 'CertificateNotFound', ACCOUNT_GONE)) return true;
    if (isCode(error, 'CertificateBeingDeleted')) return false;
    throw error;
  }
}

function usersOf(found: Properties): string {
  const { message, values } = objectOf(found.deleteCertificateError);
  const pairs = listOf(values)
    .map(objectOf)
    .map((item) => `${String(item.name)}: ${String(item.value)}`);
  return [textOf(message) ?? 'it is in use', ...pairs].join(', ');
}
