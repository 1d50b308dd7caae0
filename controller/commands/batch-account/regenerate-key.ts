import type { AccountKey } from '../../../protocol/keys.js';
import type { Command } from '../../engine/command.js';
import { findAccount } from './find-account.js';

export interface BatchAccountRegenerateKeyInput {
  account: AccountKey;
  keyName: 'primary' | 'secondary';
  sealedKey: string;
}

/** BatchAccount_RegenerateKey: the old key is worth nothing once the answer has left. */
export const batchAccountRegenerateKey = ({
  account,
  keyName,
  sealedKey,
}: BatchAccountRegenerateKeyInput): Command<void> => ({
  name: 'batchAccountRegenerateKey',
  run(transaction) {
    const present = findAccount(transaction, account);
    present.sealedKeys = { ...present.sealedKeys, [keyName]: sealedKey };
    transaction.touched('account', present);
  },
});
