import { afterAll, describe, expect, it } from 'vitest';
import { Authority } from '../../controller/effects/authority/authority.js';
import { buildConfiguration } from '../../controller/effects/agents/assignment.js';
import { openSecrets } from '../../controller/effects/agents/open-secrets.js';
import { OwnStorage } from '../../controller/effects/agents/own-storage.js';
import { isSealed } from '../../controller/effects/authority/master-key.js';
import type { Pool } from '../../controller/core/pool/state.js';
import type { StateView } from '../../controller/engine/ports.js';
import { sealSecrets } from '../../controller/http/seal-secrets.js';
import { tempDirectory } from '../support/temp-dir.js';
import { node, pool } from './store-rows.js';

const folder = tempDirectory('configuration');
afterAll(() => {
  folder.remove();
});
const authority = Authority.open(folder.path, undefined);
const open = (text: string) => (isSealed(text) ? authority.open(text) : text);
const view = { accounts: new Map(), certificates: new Map() } as unknown as StateView;
const signer = { ownPath: () => undefined, sign: () => '', now: () => 0, urlLifetimeMs: 1 };
const storage = new OwnStorage(signer, 'acme', 'http://controller');
const userAccounts = [
  {
    name: 'jane',
    password: 'Secret-1',
    elevationLevel: 'nonadmin' as const,
    linuxUserConfiguration: { sshPrivateKey: 'a key' },
  },
];

const accountsOf = (of: Pool) =>
  buildConfiguration(
    { ...node('p', 'n'), session: { held: new Map() } as never },
    of,
    view,
    open,
    storage,
    'http://controller',
    { logs: { bytesMax: 0, intervalMs: 0 }, transfers: {} },
  ).userAccounts;

describe('the configuration of a node', () => {
  it('opens what the pool keeps sealed: passwords and keys of user accounts', () => {
    const sealed = sealSecrets(authority, userAccounts);
    expect(JSON.stringify(sealed)).not.toMatch(/Secret-1|a key/);
    const kept = pool('p', {}, { userAccounts: sealed, enableInterNodeCommunication: true });
    expect(accountsOf(kept)).toEqual([
      { name: 'jane', password: 'Secret-1', elevationLevel: 'nonadmin', sshPrivateKey: 'a key' },
    ]);
  });

  it('takes those that an older version kept as they came', () => {
    expect(accountsOf(pool('p', {}, { userAccounts }))).toMatchObject([{ password: 'Secret-1' }]);
  });

  it('seals what looks sealed already, so that no client can send what only the service may make', () => {
    const forged = [{ password: authority.seal('x') }];
    const [kept] = sealSecrets(authority, forged);
    expect(open(kept?.password ?? '')).toBe(forged[0]?.password);
  });
});

describe('what is sent to a node', () => {
  it('has every secret opened, however deep, and is the same object where it has none', () => {
    const program = { commandLine: 'x', container: { registry: { password: 'p' } }, list: [1] };
    expect(openSecrets(open, sealSecrets(authority, [program]))).toEqual([program]);
    const plain = [{ commandLine: 'x', environmentSettings: [{ name: 'password', value: 'v' }] }];
    expect(openSecrets(open, sealSecrets(authority, plain))).toBe(plain);
  });
});
