import { accountKey } from '../../protocol/keys.js';
import { batchAccountCreate } from '../commands/batch-account/create.js';
import { batchAccountRegenerateKey } from '../commands/batch-account/regenerate-key.js';
import { equalSecrets } from '../effects/authority/constant-time.js';
import type { Engine } from '../engine/engine.js';
import type { Parts } from './parts.js';

/** Where accounts of `--account` stand in the management plane. */
const HOME = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'batchyard',
  location: 'local',
};

/** The account exists with this primary key, whatever it was before. */
export async function ensureAccount(
  { authority }: Parts,
  engine: Engine,
  { name, key }: { name: string; key: string },
): Promise<void> {
  const present = engine.view.accounts.get(accountKey(name));
  if (present === undefined) {
    const sealedKeys = {
      primary: authority.seal(key),
      secondary: authority.seal(authority.generate()),
    };
    await engine.submit(batchAccountCreate({ name, ...HOME, sealedKeys }));
  } else if (!equalSecrets(authority.open(present.sealedKeys.primary), key)) {
    const change = {
      account: present.key,
      keyName: 'primary',
      sealedKey: authority.seal(key),
    } as const;
    await engine.submit(batchAccountRegenerateKey(change));
  }
}
