import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import type { Properties } from '../../provider/core/json.js';
import { startFakeBatch, type FakeBatch } from '../support/fake-batch.js';
import { waitFor } from '../support/wait-for.js';
import { ACCOUNT, fixed, make, POOL as POOL_WITH_OWNER, portsOn, UNKNOWN } from './ports.js';
import { halfMade, ProcessClient, secret } from './process-client.js';
import { root } from './pulumi-stack.js';

const { owner: _owner, ...POOL } = POOL_WITH_OWNER;
const urn = (type: string, name: string) =>
  `urn:pulumi:stack::project::my:component:Yard$batchyard:index:${type}::${name}`;
const pool = urn('Pool', 'pool');
const certificate = urn('Certificate', 'c');

let fake: FakeBatch;
let provider: ProcessClient;
/** The provider is patient with a controller that may be restarting: begun first, looked at last. */
let lost: Promise<unknown>;
beforeAll(async () => {
  fake = await startFakeBatch();
  await make(account, ACCOUNT, portsOn(fake));
  provider = await ProcessClient.start();
  const other = await ProcessClient.start();
  await other.configure({ endpoint: 'http://127.0.0.1:1', adminToken: 't' });
  lost = other
    .create(pool, POOL)
    .catch((error: unknown) => error)
    .finally(() => other.stop());
});
afterAll(async () => {
  expect(await provider.stop()).toBe(0);
  await lost;
  await fake.stop();
});
const configured = (one: ProcessClient) =>
  one.configure({ endpoint: fake.url, adminToken: secret(fake.adminToken) });
beforeEach(async () => {
  fake.pools.clear();
  fake.requests.length = 0;
  fake.intercept = undefined;
  await configured(provider);
});
const made = async (inputs: Properties) => {
  const checked = await provider.check(pool, inputs);
  expect(checked.failures).toEqual([]);
  return provider.create(pool, checked.inputs);
};

describe('configuration', () => {
  it('is refused by property before anything is asked for', async () => {
    expect(await provider.checkConfig({ endpoint: 'nonsense', adminToken: secret('t') })).toEqual([
      { property: 'endpoint', reason: expect.stringContaining('nonsense') as string },
    ]);
    expect(await provider.checkConfig({ endpoint: fake.url, caFile: '/nowhere/ca.pem' })).toEqual([
      { property: 'caFile', reason: expect.stringContaining('/nowhere/ca.pem') as string },
    ]);
    expect(await provider.checkConfig({ endpiont: fake.url })).toMatchObject([
      { property: 'endpiont' },
    ]);
    expect(await provider.checkConfig({ endpoint: UNKNOWN })).toEqual([]);
    expect(fake.requests).toEqual([]);
  });
  it('that is missing is named where it is needed, with the resource', async () => {
    await provider.configure({});
    await expect(provider.create(pool, POOL)).rejects.toThrow(/batchyard:endpoint/);
  });
  it('with a wrong token is one message that names resource and setting', async () => {
    await provider.configure({ endpoint: fake.url, adminToken: 'wrong' });
    const refused = provider.create(urn('Account', 'a'), { accountName: 'other' });
    await expect(refused).rejects.toThrow(/Account other: .*40[13].*admin token/);
  });
});

describe('check', () => {
  it('marks the owner as the classes of dynamic resources do', async () => {
    const { inputs } = await provider.check(pool, POOL);
    expect(inputs.owner).toBe('project/stack/pool');
  });
  it('takes secrets and gives them back as such, and plain ones that are declared secret too', async () => {
    const given = {
      ...ACCOUNT,
      data: 'QUJD',
      password: secret('hidden'),
      connection: { adminToken: 't' },
    };
    const { inputs } = await provider.check(certificate, given);
    expect(inputs).toMatchObject({
      accountName: 'yard',
      data: secret('QUJD'),
      password: secret('hidden'),
      connection: secret({ adminToken: 't' }),
    });
  });
  it('keeps a secret inside of a list secret, and nothing beside it', async () => {
    const startTask = {
      commandLine: 'true',
      environmentSettings: [
        { name: 'plain', value: 'a' },
        { name: 'hidden', value: secret('b') },
      ],
    };
    expect((await provider.check(pool, { ...POOL, startTask })).inputs.startTask).toEqual(
      startTask,
    );
  });
  it('names no property whose value is secret: the engine would print it', async () => {
    const { failures } = await provider.check(pool, { ...POOL, displayName: secret(7) });
    expect(failures).toEqual([{ property: '', reason: 'displayName: must be a text' }]);
  });
  it('gives plain values to an engine that takes no secrets', async () => {
    const old = await ProcessClient.start();
    await old.configure({ endpoint: fake.url, adminToken: fake.adminToken }, false);
    const { inputs } = await old.check(certificate, { ...ACCOUNT, data: 'QUJD' });
    expect(inputs.data).toBe('QUJD');
    expect(await old.stop()).toBe(0);
  });
});

describe('diff', () => {
  it('says where a change is, and what kind of change', async () => {
    const { detail, replaces, changes } = await provider.diff(
      pool,
      { ...POOL, ...fixed(2) },
      {
        ...POOL,
        ...fixed(3),
        metadata: [{ name: 'a', value: 'b' }],
      },
    );
    expect({ detail, replaces, changes }).toEqual({
      detail: {
        'scaleSettings.fixedScale.targetDedicatedNodes': 'UPDATE',
        metadata: 'ADD',
      },
      replaces: [],
      changes: true,
    });
  });
  it('replaces, and deletes first, where the id stays', async () => {
    expect(await provider.diff(pool, POOL, { ...POOL, vmSize: 'standard_a2_v2' })).toEqual({
      changes: true,
      replaces: ['vmSize'],
      deleteBeforeReplace: true,
      detail: { vmSize: 'UPDATE_REPLACE' },
    });
  });
  it('takes another spelling for no change, also beside a real one', async () => {
    const spelled = { ...POOL, vmSize: POOL.vmSize.toUpperCase(), taskSlotsPerNode: 1 };
    expect(await provider.diff(pool, POOL, spelled)).toMatchObject({ changes: false, detail: {} });
    const { detail } = await provider.diff(pool, POOL, { ...spelled, ...fixed(5) });
    expect(Object.keys(detail)).toEqual(['scaleSettings.fixedScale.targetDedicatedNodes']);
  });
  it('compares secrets by their value', async () => {
    const olds = { ...POOL, displayName: secret('a') };
    expect((await provider.diff(pool, olds, { ...POOL, displayName: 'a' })).changes).toBe(false);
    expect((await provider.diff(pool, olds, { ...POOL, displayName: secret('b') })).changes).toBe(
      true,
    );
  });
});

describe('preview', () => {
  it('of a new resource knows what is given and nothing else, and asks for nothing', async () => {
    const { id, outs } = await provider.create(
      pool,
      { ...POOL, vmSize: UNKNOWN },
      { preview: true },
    );
    expect(id).toBe('');
    expect(outs).toMatchObject({ poolName: 'p1', vmSize: UNKNOWN, creationTime: UNKNOWN });
    expect(fake.requests).toEqual([]);
  });
  it('of an update keeps what the change does not move', async () => {
    const olds = { ...POOL, creationTime: 'then', currentDedicatedNodes: 2 };
    const renamed = { ...POOL, metadata: [] };
    expect(await provider.update(pool, olds, renamed, { preview: true })).toMatchObject({
      creationTime: 'then',
      currentDedicatedNodes: 2,
    });
    const grown = { ...POOL, ...fixed(9) };
    expect(await provider.update(pool, olds, grown, { preview: true })).toMatchObject({
      creationTime: 'then',
      currentDedicatedNodes: UNKNOWN,
    });
  });
});

describe('create and read', () => {
  it('keep computed keys secret', async () => {
    const { outs } = await provider.create(urn('Account', 'a'), { accountName: 'keys' });
    expect(outs.primaryKey).toEqual(secret(expect.any(String)));
  });
  it('an object by its short id and by its full one, with no more inputs than a program needs', async () => {
    const { id } = await made(POOL);
    const byName = await provider.read(pool, 'yard/p1');
    expect(byName.id).toBe(id);
    expect(byName.props).toMatchObject({ poolName: 'p1', currentDedicatedNodes: 2 });
    expect(Object.keys(byName.inputs).sort()).toEqual(
      ['accountName', 'deploymentConfiguration', 'poolName', 'scaleSettings', 'vmSize'].sort(),
    );
    expect((await provider.read(pool, id)).inputs).toEqual(byName.inputs);
    expect((await provider.diff(pool, byName.props, POOL)).changes).toBe(false);
  });
  it('with the latest connection, whose change is no change of the resource', async () => {
    const { outs, id } = await made(POOL);
    const wrong = { ...outs, connection: secret({ endpoint: 'http://127.0.0.1:1' }) };
    const right = { ...POOL, connection: secret({ endpoint: fake.url }) };
    expect((await provider.diff(pool, wrong, right)).changes).toBe(false);
    expect((await provider.read(pool, id, wrong, right)).id).toBe(id);
  });
  it('an id that is none is refused with the forms that are allowed; one of nothing is empty', async () => {
    await expect(provider.read(pool, 'p1')).rejects.toThrow(/id p1 .*ACCOUNT\/poolName/);
    expect((await provider.read(pool, 'yard/none')).id).toBe('');
  });
  it('take environment variables that were only found for secrets', async () => {
    await made({
      ...POOL,
      startTask: { commandLine: 'true', environmentSettings: [{ name: 'A', value: 'hidden' }] },
    });
    const { inputs, props } = await provider.read(pool, 'yard/p1');
    const environmentSettings = secret([{ name: 'A', value: 'hidden' }]);
    expect(inputs.startTask).toMatchObject({ environmentSettings });
    expect(props.startTask).toMatchObject({ environmentSettings });
  });
  it('honour customTimeouts, and keep what did not get ready', async () => {
    fake.intercept = (request) =>
      request === 'GET /pools/p1'
        ? { status: 200, body: { ...fake.pools.get('p1'), allocationState: 'resizing' } }
        : undefined;
    const error: unknown = await provider
      .create(pool, { ...POOL, userAccounts: [{ name: 'u', password: 'hidden' }] }, { timeout: 1 })
      .catch((failure: unknown) => failure);
    expect((error as Error).message).toMatch(/Pool p1 .*not within 1 s/);
    const { id, reasons, props } = halfMade(error);
    expect(id).toMatch(/\/pools\/p1$/);
    expect(reasons).toEqual([expect.stringContaining('not within 1 s')]);
    expect(props.userAccounts).toEqual(secret([{ name: 'u', password: 'hidden' }]));
    expect(props.timeouts).toBeUndefined();
  });
});

describe('functions', () => {
  it('read what exists', async () => {
    await made(POOL);
    const { result } = await provider.invoke('getPool', { ...ACCOUNT, poolName: 'p1' });
    expect(result).toMatchObject({ poolName: 'p1', targetDedicatedNodes: 2, metadata: [] });
  });
  it('refuse wrong arguments by name, and say what they looked for in vain', async () => {
    expect((await provider.invoke('getPool', ACCOUNT)).failures).toEqual([
      { property: 'poolName', reason: 'is required' },
    ]);
    const gone = provider.invoke('getPool', { ...ACCOUNT, poolName: 'none' });
    await expect(gone).rejects.toThrow(/Pool none \(account yard\): .*404/);
  });
  it('give keys as secrets', async () => {
    const { result } = await provider.invoke('listAccountKeys', ACCOUNT);
    expect(result).toEqual({
      primary: secret(expect.any(String)),
      secondary: secret(expect.any(String)),
    });
  });
});

describe('the end', () => {
  let provider: ProcessClient;
  beforeEach(async () => {
    provider = await ProcessClient.start();
    await configured(provider);
  });
  afterEach(() => provider.stop());
  const waiting = async () => {
    fake.intercept = (request) =>
      request === 'GET /pools/p1'
        ? { status: 200, body: { ...fake.pools.get('p1'), allocationState: 'resizing' } }
        : undefined;
    const creation = provider.create(pool, POOL).catch((error: unknown) => error);
    await waitFor(
      'the provider to wait',
      () => fake.requests.filter((one) => one === 'GET /pools/p1').length > 1,
    );
    return creation;
  };
  it('by a cancelled update stops waiting, keeps what exists, and begins nothing more', async () => {
    const creation = waiting();
    await waitFor('the pool', () => fake.pools.has('p1'));
    await provider.cancel();
    expect(halfMade(await creation)).toMatchObject({
      id: expect.stringMatching(/pools\/p1$/) as string,
      reasons: [expect.stringMatching(/Pool p1 .*cancelled/)],
    });
    await expect(provider.create(pool, POOL)).rejects.toThrow(/cancelled/);
  });
  it('by SIGINT answers what is under way first', async () => {
    const creation = waiting();
    await waitFor('the pool', () => fake.pools.has('p1'));
    provider.child.kill('SIGINT');
    expect(halfMade(await creation).id).toMatch(/pools\/p1$/);
    expect(await provider.stop()).toBe(0);
  });
  it('comes by itself when the engine dies', async () => {
    const program = join(root, 'provider', 'bin', 'pulumi-resource-batchyard');
    const engine = spawn('/bin/sh', ['-c', `"${program}" & echo $!; wait`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    engine.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    await waitFor('the port', () => text.split('\n').length > 2);
    const closed = once(engine.stdout, 'close');
    engine.kill('SIGKILL');
    // The provider holds the other end of the pipe as long as it lives.
    await closed;
  });
});

it('a controller that is not there is one message that names resource and setting', async () => {
  expect(((await lost) as Error).message).toMatch(
    /Pool p1 .*http:\/\/127\.0\.0\.1:1 can't be reached.*batchyard:endpoint/,
  );
});
