import { setTimeout as delay } from 'node:timers/promises';
import { applicationPackages, applications } from '../client/applications.js';
import { dataPlane } from '../client/data-plane.js';
import { images } from '../client/images.js';
import { managementPlane } from '../client/management-plane.js';
import { connectionOf, type Settings } from '../client/settings.js';
import { storage } from '../client/storage.js';
import { ACCOUNT_GONE } from '../core/account-of.js';
import { isCode } from '../core/failure.js';
import type { Properties } from '../core/json.js';
import type { AccountName, Ports } from '../core/ports.js';

/** Keys of accounts, kept in this process only: endpoint and account → key. */
const keys = new Map<string, Promise<string>>();

/** The ports of one operation on a resource; its own `connection` goes before the stack's configuration. */
export function connect(props: Properties, configured: Settings): Ports {
  const connection = connectionOf(props.connection, configured, process.env);
  const { endpoint, accountKey } = connection;
  const accounts = managementPlane(connection);
  const keyOf = async (account: AccountName, fresh: boolean): Promise<string> => {
    if (accountKey !== undefined) return accountKey;
    const name = `${endpoint} ${account.accountName}`;
    if (fresh) keys.delete(name);
    let key = keys.get(name);
    if (key === undefined) {
      key = accounts.keys(account).then(({ primary }) => primary, accountGone(account));
      keys.set(name, key);
      key.catch(() => keys.delete(name));
    }
    return key;
  };
  return {
    endpoint,
    accounts,
    images: images(connection),
    applications: applications(connection),
    applicationPackages: applicationPackages(connection),
    data: (account) => dataPlane(connection, account, keyOf),
    storage: (account) => storage(connection, account),
    say: (line) => console.log(line),
    sleep: (ms) => delay(ms),
    now: () => Date.now(),
  };
}

/** The management plane's own answer that there is no such account; any other error goes on as it is. */
const accountGone =
  ({ accountName, resourceGroupName }: AccountName) =>
  (error: unknown): never => {
    if (!isCode(error, 'ResourceNotFound')) throw error;
    throw Object.assign(
      new Error(
        `account ${accountName} (resource group ${resourceGroupName}) does not exist; accounts of the controller's --account are in resource group batchyard`,
      ),
      { status: 404, code: ACCOUNT_GONE },
    );
  };
