import type { AutoStorage } from '../../../protocol/management/account.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { Account } from '../../core/account/state.js';
import type { Command } from '../../engine/command.js';
import { linkAutoStorage } from './auto-storage.js';
import { findAccount } from './find-account.js';

export interface BatchAccountUpdateInput {
  account: AccountKey;
  tags?: Record<string, string>;
  quotas?: Account['quotas'];
  autoStorage?: AutoStorage;
}

/** BatchAccount_Update. */
export const batchAccountUpdate = ({
  account,
  tags,
  quotas,
  autoStorage,
}: BatchAccountUpdateInput): Command<void> => ({
  name: 'batchAccountUpdate',
  run(transaction) {
    const present = findAccount(transaction, account);
    if (tags !== undefined) present.tags = tags;
    if (quotas !== undefined) present.quotas = { ...present.quotas, ...quotas };
    linkAutoStorage(transaction, present, autoStorage);
    transaction.touched('account', present);
  },
});
