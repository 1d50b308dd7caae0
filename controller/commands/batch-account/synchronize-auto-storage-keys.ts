import type { AccountKey } from '../../../protocol/keys.js';
import type { Command } from '../../engine/command.js';
import { findAccount } from './find-account.js';

/** BatchAccount_SynchronizeAutoStorageKeys. */
export const batchAccountSynchronizeAutoStorageKeys = ({
  account,
}: {
  account: AccountKey;
}): Command<void> => ({
  name: 'batchAccountSynchronizeAutoStorageKeys',
  run(transaction) {
    const present = findAccount(transaction, account);
    if (present.autoStorage === undefined) return;
    present.autoStorage = { ...present.autoStorage, lastKeySync: transaction.now };
    transaction.touched('account', present);
  },
});
