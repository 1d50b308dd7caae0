import { accountKey } from '../../../protocol/keys.js';
import { ACCOUNT_NAME, CheckNameAvailability } from '../../../protocol/management/account.js';
import { validate } from '../../../protocol/batch/validation.js';
import { operations } from '../../../protocol/batch/operations.js';
import type { ManagementHandler } from './call.js';
import { accountOfPath, sendJson, sendList } from './call.js';
import { sendPage } from './page.js';

/** Azure's largest; nothing here refuses more. */
const ACCOUNT_QUOTA = 50;

/** Accounts of the configuration stand here. */
const FIRST_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const TENANT = 'adfs';
/** Of every VM size. */
const FAMILY = 'batchyard';

const RESOURCES = [
  'batchAccounts',
  'batchAccounts/pools',
  'batchAccounts/certificates',
  'batchAccounts/applications',
  'batchAccounts/applications/versions',
];
const VERBS = ['read', 'write', 'delete'];

export const listOperations: ManagementHandler = async (call) => {
  const management = RESOURCES.flatMap((resource) =>
    VERBS.map((verb) => ({
      name: `Microsoft.Batch/${resource}/${verb}`,
      isDataAction: false,
      display: { provider: 'Microsoft Batch', resource, operation: verb, description: '' },
    })),
  );
  const data = operations.map(({ id }) => {
    const [resource = '', operation = ''] = id.split('_');
    return {
      name: `Microsoft.Batch/batchAccounts/${resource}/${operation}/action`,
      isDataAction: true,
      display: { provider: 'Microsoft Batch', resource, operation, description: '' },
    };
  });
  sendList(call, [...management, ...data]);
};

/** The subscriptions that accounts stand in, and the one that a new controller begins with. */
export const listSubscriptions: ManagementHandler = async (call) => {
  const ids = [...call.ports.view.accounts.values()].map(({ subscriptionId }) => subscriptionId);
  const value = [...new Set([FIRST_SUBSCRIPTION, ...ids])].map((subscriptionId) => ({
    id: `/subscriptions/${subscriptionId}`,
    subscriptionId,
    displayName: 'Batchyard',
    state: 'Enabled',
    tenantId: TENANT,
  }));
  sendList(call, value);
};

/** What an account of ours never has: detectors, private endpoints. */
export const emptyList: ManagementHandler = async (call) => {
  accountOfPath(call);
  sendList(call, []);
};

export const getQuotas: ManagementHandler = async (call) =>
  sendJson(call, { accountQuota: ACCOUNT_QUOTA });

/** `$filter=familyName eq '…'` is the one filter that this list knows. */
export const listVirtualMachineSkus: ManagementHandler = async (call) => {
  const family = /^familyName eq '([^']*)'$/i.exec(call.query.get('$filter') ?? '')?.[1];
  const isWanted = family === undefined || family === FAMILY;
  const sizes = call.ports.settings.vmSizes.map((size) => ({ ...size, key: size.name }));
  sendPage(call, isWanted ? sizes : [], (size) => ({
    name: size.name,
    familyName: FAMILY,
    capabilities: [
      { name: 'vCPUs', value: String(size.vcpus) },
      { name: 'MemoryGB', value: String(size.memoryMiB / 1024) },
      { name: 'OSVhdSizeMB', value: String(size.diskGiB * 1024) },
    ],
  }));
};

export const listCloudServiceSkus: ManagementHandler = async (call) => sendList(call, []);

export const checkNameAvailability: ManagementHandler = async (call) => {
  const { name } = validate(CheckNameAvailability, call.body);
  if (!ACCOUNT_NAME.test(name))
    return sendJson(call, {
      nameAvailable: false,
      reason: 'Invalid',
      message: 'An account name must be 3 to 24 lower-case letters and digits.',
    });
  if (call.ports.view.accounts.has(accountKey(name)))
    return sendJson(call, {
      nameAvailable: false,
      reason: 'AlreadyExists',
      message: `An account named ${name} exists.`,
    });
  sendJson(call, { nameAvailable: true });
};
