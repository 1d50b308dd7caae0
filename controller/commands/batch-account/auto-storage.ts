import type { AutoStorage } from '../../../protocol/management/account.js';
import type { Account } from '../../core/account/state.js';
import type { Transaction } from '../../engine/command.js';

/** Keeps what a client says of its storage account; undefined leaves it, null takes it away. */
export function linkAutoStorage(
  { now }: Transaction,
  account: Account,
  autoStorage: AutoStorage,
): void {
  if (autoStorage === undefined) return;
  if (autoStorage === null) {
    delete account.autoStorage;
    return;
  }
  const { storageAccountId, authenticationMode, nodeIdentityReference } = autoStorage;
  account.autoStorage = {
    storageAccountId,
    authenticationMode,
    ...(nodeIdentityReference === undefined ? {} : { nodeIdentityReference }),
    lastKeySync: now,
  };
}
