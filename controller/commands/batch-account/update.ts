import type { AccountKey } from '../../../protocol/keys.js';
import type { Account } from '../../core/account/state.js';
import type { Command } from '../../engine/command.js';
import { findAccount } from './find-account.js';

export interface BatchAccountUpdateInput {
  account: AccountKey;
  tags?: Record<string, string>;
  quotas?: Account['quotas'];
}

/** BatchAccount_Update. */
export const batchAccountUpdate = ({
  account,
  tags,
  quotas,
}: BatchAccountUpdateInput): Command<void> => ({
  name: 'batchAccountUpdate',
  run(transaction) {
    const present = findAccount(transaction, account);
    if (tags !== undefined) present.tags = tags;
    if (quotas !== undefined) present.quotas = quotas;
    transaction.touched('account', present);
  },
});
