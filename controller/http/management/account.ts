import { accountKey } from '../../../protocol/keys.js';
import {
  ACCOUNT_NAME,
  BatchAccountCreate,
  BatchAccountRegenerateKey,
  BatchAccountUpdate,
} from '../../../protocol/management/account.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import { validate } from '../../../protocol/batch/validation.js';
import type { Quotas } from '../../core/account/state.js';
import { batchAccountCreate } from '../../commands/batch-account/create.js';
import { batchAccountDelete } from '../../commands/batch-account/delete.js';
import { batchAccountRegenerateKey } from '../../commands/batch-account/regenerate-key.js';
import { batchAccountSynchronizeAutoStorageKeys } from '../../commands/batch-account/synchronize-auto-storage-keys.js';
import { batchAccountUpdate } from '../../commands/batch-account/update.js';
import { batchAccountGet } from '../../queries/batch-account/get.js';
import { batchAccountList } from '../../queries/batch-account/list.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { accountOfPath, isOfPath, nameOf, sendJson, sendList, sendNothing } from './call.js';
import { badRequest } from './errors.js';

const context = (call: ManagementCall) => ({ reader: call.ports.reader, baseUrl: call.baseUrl });

/** What clients read where an account has no limit: they expect numbers. */
const NO_LIMIT = 1_000_000;
const QUOTAS = {
  dedicatedCoreQuota: NO_LIMIT,
  lowPriorityCoreQuota: NO_LIMIT,
  poolQuota: NO_LIMIT,
  activeJobAndJobScheduleQuota: NO_LIMIT,
};

function withQuotas(account: object): object {
  const properties = 'properties' in account ? account.properties : {};
  return { ...account, properties: { ...QUOTAS, ...(properties as object) } };
}

/** The quotas that a body names; the others stay. */
function quotasOf(properties: BatchAccountUpdate['properties']): Quotas {
  const {
    dedicatedCoreQuota: dedicatedCores,
    lowPriorityCoreQuota: lowPriorityCores,
    poolQuota: pools,
    activeJobAndJobScheduleQuota: activeJobsAndSchedules,
  } = properties ?? {};
  return {
    ...(dedicatedCores !== undefined && { dedicatedCores }),
    ...(lowPriorityCores !== undefined && { lowPriorityCores }),
    ...(pools !== undefined && { pools }),
    ...(activeJobsAndSchedules !== undefined && { activeJobsAndSchedules }),
  };
}

async function sendAccount(call: ManagementCall): Promise<void> {
  const account = nameOf(call, 'accountName');
  sendJson(call, withQuotas((await batchAccountGet(context(call), { account })).body));
}

/** PUT: makes the account, or updates the tags of one that is there. Answered at once, so without Location. */
export const createAccount: ManagementHandler = async (call) => {
  const name = nameOf(call, 'accountName');
  const known = call.ports.view.accounts.get(accountKey(name));
  if (known === undefined && !ACCOUNT_NAME.test(name))
    throw badRequest(
      'InvalidAccountName',
      `The account name ${name.slice(0, 64)} is invalid: it must be 3 to 24 lower-case letters and digits.`,
      'accountName',
    );
  const body = validate(BatchAccountCreate, call.body);
  if (known !== undefined) {
    if (!isOfPath(call, known))
      throw new BatchError('ResourceAlreadyExists', [{ key: 'AccountName', value: known.name }]);
    await call.ports.submit(
      batchAccountUpdate({
        account: known.key,
        tags: body.tags,
        autoStorage: body.properties?.autoStorage,
        quotas: quotasOf(body.properties),
      }),
    );
    return sendAccount(call);
  }
  const { keys } = call.ports;
  const sealedKeys = { primary: keys.seal(keys.generate()), secondary: keys.seal(keys.generate()) };
  await call.ports.submit(
    batchAccountCreate({
      name,
      subscriptionId: nameOf(call, 'subscriptionId'),
      resourceGroup: nameOf(call, 'resourceGroupName'),
      location: body.location,
      tags: body.tags ?? {},
      sealedKeys,
      autoStorage: body.properties?.autoStorage,
      quotas: quotasOf(body.properties),
    }),
  );
  return sendAccount(call);
};

export const updateAccount: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const body = validate(BatchAccountUpdate, call.body ?? {});
  await call.ports.submit(
    batchAccountUpdate({
      account: account.key,
      tags: body.tags,
      autoStorage: body.properties?.autoStorage,
      quotas: quotasOf(body.properties),
    }),
  );
  return sendAccount(call);
};

export const getAccount: ManagementHandler = async (call) => {
  accountOfPath(call);
  return sendAccount(call);
};

export const deleteAccount: ManagementHandler = async (call) => {
  const name = nameOf(call, 'accountName');
  if (!call.ports.view.accounts.has(accountKey(name))) return sendNothing(call, 204);
  await call.ports.submit(batchAccountDelete({ account: accountOfPath(call).key }));
  sendNothing(call);
};

export const listAccounts: ManagementHandler = async (call) => {
  const page = await batchAccountList(context(call), {
    subscriptionId: nameOf(call, 'subscriptionId'),
    resourceGroup: call.names['resourceGroupName'],
    skiptoken: call.query.get('$skiptoken') || undefined,
  });
  sendList(call, page.value.map(withQuotas), page.next);
};

export const getKeys: ManagementHandler = async (call) => {
  const { name, sealedKeys } = accountOfPath(call);
  sendKeys(call, name, sealedKeys);
};

/** The controller's own storage has no keys to synchronise; a linked account's time moves on. */
export const syncAutoStorageKeys: ManagementHandler = async (call) => {
  await call.ports.submit(
    batchAccountSynchronizeAutoStorageKeys({ account: accountOfPath(call).key }),
  );
  sendNothing(call, 204);
};

function sendKeys(
  call: ManagementCall,
  accountName: string,
  sealed: { primary: string; secondary: string },
): void {
  const { open } = call.ports.keys;
  call.context.set('Cache-Control', 'no-store');
  sendJson(call, {
    accountName,
    primary: open.call(call.ports.keys, sealed.primary),
    secondary: open.call(call.ports.keys, sealed.secondary),
  });
}

export const regenerateKey: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const body = validate(BatchAccountRegenerateKey, call.body);
  const keyName = body.keyName === 'Primary' ? 'primary' : 'secondary';
  const { keys } = call.ports;
  const sealedKey = keys.seal(keys.generate());
  await call.ports.submit(batchAccountRegenerateKey({ account: account.key, keyName, sealedKey }));
  sendKeys(call, account.name, { ...account.sealedKeys, [keyName]: sealedKey });
};
