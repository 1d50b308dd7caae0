import { BatchError } from '../../../protocol/batch/errors.js';
import { accountKey } from '../../../protocol/keys.js';
import type { Account } from '../../core/account/state.js';
import type { AutoStorage } from '../../../protocol/management/account.js';
import type { Command } from '../../engine/command.js';
import { linkAutoStorage } from './auto-storage.js';

export interface BatchAccountCreateInput {
  name: string;
  subscriptionId: string;
  resourceGroup: string;
  location: string;
  tags?: Record<string, string>;
  /** Used when the account is new; one that exists keeps its keys, unless `replaceKeys`. */
  sealedKeys: { primary: string; secondary: string };
  replaceKeys?: boolean;
  quotas?: Account['quotas'];
  autoStorage?: AutoStorage;
}

/** BatchAccount_Create: makes the account, or changes location, tags and quotas of one that exists. */
export const batchAccountCreate = (
  input: BatchAccountCreateInput,
): Command<{ account: Account; created: boolean }> => ({
  name: 'batchAccountCreate',
  run(transaction) {
    const { state, now } = transaction;
    const key = accountKey(input.name);
    const present = state.accounts.get(key);
    if (present !== undefined) {
      const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
      if (
        !same(present.subscriptionId, input.subscriptionId) ||
        !same(present.resourceGroup, input.resourceGroup)
      )
        throw new BatchError('ResourceAlreadyExists', [{ key: 'AccountName', value: input.name }]);
      present.location = input.location;
      if (input.tags !== undefined) present.tags = input.tags;
      if (input.quotas !== undefined) present.quotas = input.quotas;
      if (input.replaceKeys === true) present.sealedKeys = input.sealedKeys;
      transaction.touched('account', present);
      return { account: structuredCopy(present), created: false };
    }
    const account: Account = {
      key,
      name: input.name,
      subscriptionId: input.subscriptionId,
      resourceGroup: input.resourceGroup,
      location: input.location,
      tags: input.tags ?? {},
      sealedKeys: input.sealedKeys,
      creationTime: now,
      lastModified: now,
      version: 1,
      quotas: { ...transaction.settings.quotas, ...input.quotas },
    };
    linkAutoStorage(transaction, account, input.autoStorage);
    state.accounts.set(key, account);
    transaction.changed('account', account);
    return { account: structuredCopy(account), created: true };
  },
});

/** Replies must not change with the state. */
const structuredCopy = (account: Account): Account =>
  JSON.parse(JSON.stringify(account)) as Account;
