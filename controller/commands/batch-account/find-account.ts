import { BatchError } from '../../../protocol/batch/errors.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { Account } from '../../core/account/state.js';
import type { Transaction } from '../../engine/command.js';

export function findAccount({ state }: Transaction, key: AccountKey): Account {
  const account = state.accounts.get(key);
  if (account === undefined)
    throw new BatchError('AccountNotFound', [{ key: 'AccountName', value: key }]);
  return account;
}
