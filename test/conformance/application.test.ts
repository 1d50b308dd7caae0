import { readFileSync } from 'node:fs';
import { BatchManagementClient } from '@azure/arm-batch';
import type { BatchServiceClient } from '@azure/batch';
import { BlockBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { makeZip } from '../support/zip.js';

/** Where accounts of `--account` stand. */
const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const GROUP = 'batchyard';
const ZIP = { format: 'zip' };
const pool = {
  vmSize: 'standard_d1_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
};
const says = (text: string) =>
  makeZip([{ name: 'say', content: `#!/bin/sh\necho ${text}\n`, mode: 0o100755 }]);

let controller: StartedController;
let arm: BatchManagementClient;
let client: BatchServiceClient;
let account: string;
beforeAll(async () => {
  controller = await startController({ tls: true });
  account = controller.account;
  client = batchClient(controller);
  const credential = {
    getToken: () =>
      Promise.resolve({ token: controller.adminToken, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  arm = new BatchManagementClient(credential, SUBSCRIPTION, {
    endpoint: controller.tlsUrl,
    tlsOptions: { ca: readFileSync(controller.caFile ?? '', 'utf8') },
    retryOptions: { maxRetries: 0 },
  });
});
afterAll(() => controller.stop());

/** The storage client trusts what the machine trusts; the same storage is there without TLS. */
const plain = (url = '') => url.replace(controller.tlsUrl ?? '', controller.url);
const upload = (url: string | undefined, content: Buffer) =>
  new BlockBlobClient(plain(url)).upload(content, content.length);
const create = (id: string, version: string) =>
  arm.applicationPackageOperations.create(GROUP, account, id, version);
const activate = (id: string, version: string) =>
  arm.applicationPackageOperations.activate(GROUP, account, id, version, ZIP);

/** An application with one version that is ready for use. */
async function deploy(id: string, version: string, zip: Buffer): Promise<void> {
  await arm.applicationOperations.create(GROUP, account, id);
  const { storageUrl } = await create(id, version);
  await upload(storageUrl, zip);
  await activate(id, version);
}
async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of pages) items.push(item);
  return items;
}
const refusal = (statusCode: number, code?: string) =>
  expect.objectContaining({ statusCode, ...(code !== undefined && { code }) });
const completed = (jobId: string, taskId: string) =>
  waitFor(`the task ${taskId} to complete`, async () => {
    const task = await client.task.get(jobId, taskId);
    return task.state === 'completed' && task;
  });
const node = (poolId: string, state: string) =>
  waitFor(`a node of ${poolId} to be ${state}`, async () =>
    (await client.computeNode.list(poolId)).find((one) => one.state === state),
  );
const stdout = async (jobId: string, taskId: string) => {
  const { readableStreamBody } = await client.file.getFromTask(jobId, taskId, 'stdout.txt');
  const chunks: Buffer[] = [];
  for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
};

describe('applications', () => {
  it('are made, changed, listed and deleted', async () => {
    const { applicationOperations: applications } = arm;
    const made = await applications.create(GROUP, account, 'Editor', {
      parameters: { displayName: 'The editor', allowUpdates: false },
    });
    expect(made).toMatchObject({
      name: 'Editor',
      type: 'Microsoft.Batch/batchAccounts/applications',
      displayName: 'The editor',
      allowUpdates: false,
    });
    expect(made.etag).toMatch(/^W\/"0x/);
    expect(await applications.get(GROUP, account, 'EDITOR')).toEqual(made);
    const changed = await applications.update(GROUP, account, 'editor', { allowUpdates: true });
    expect(changed).toMatchObject({ displayName: 'The editor', allowUpdates: true });
    expect(changed.etag).not.toBe(made.etag);
    expect((await all(applications.list(GROUP, account))).map(({ name }) => name)).toContain(
      'Editor',
    );
    await applications.create(GROUP, account, 'Another');
    const pages = applications.list(GROUP, account, { maxresults: 1 }).byPage();
    expect((await pages.next()).value).toHaveLength(1);
    expect((await pages.next()).value).toHaveLength(1);
    for (const id of ['Editor', 'Another', 'Another'])
      await applications.delete(GROUP, account, id);
    await expect(applications.get(GROUP, account, 'editor')).rejects.toEqual(refusal(404));
    await expect(applications.create(GROUP, account, 'no good')).rejects.toEqual(refusal(400));
    await expect(
      applications.create(GROUP, account, 'x', { parameters: { defaultVersion: '1' } }),
    ).rejects.toEqual(refusal(400));
  });

  it('have packages that wait for their file and are then active', async () => {
    const { applicationPackageOperations: packages } = arm;
    await expect(create('Render', '1.0')).rejects.toEqual(refusal(404));
    await arm.applicationOperations.create(GROUP, account, 'Render');
    const pending = await create('Render', '1.0');
    expect(pending).toMatchObject({ name: '1.0', state: 'Pending' });
    expect(pending.storageUrlExpiry?.getTime()).toBeGreaterThan(Date.now());
    await expect(activate('Render', '1.0')).rejects.toEqual(refusal(409));
    await upload(pending.storageUrl, Buffer.from('this is not an archive'));
    await expect(activate('Render', '1.0')).rejects.toEqual(refusal(400));
    await expect(
      packages.activate(GROUP, account, 'Render', '1.0', { format: 'tar' }),
    ).rejects.toEqual(refusal(400));
    const renewed = await packages.get(GROUP, account, 'render', '1.0');
    await upload(renewed.storageUrl, says('hello'));
    expect(await client.application.get('render')).toMatchObject({ id: 'Render', versions: [] });
    const active = await activate('Render', '1.0');
    expect(active).toMatchObject({ state: 'Active', format: 'zip' });
    expect(active.lastActivationTime).toBeInstanceOf(Date);
    expect(await client.application.get('render')).toMatchObject({ versions: ['1.0'] });
    expect((await client.application.list()).map(({ id }) => id)).toContain('Render');
    await expect(upload(active.storageUrl, says('other'))).rejects.toEqual(refusal(403));
    const { storageUrl = '' } = await packages.get(GROUP, account, 'render', '1.0');
    const content = await new BlockBlobClient(plain(storageUrl)).downloadToBuffer();
    expect(content.equals(says('hello'))).toBe(true);
    expect((await all(packages.list(GROUP, account, 'Render'))).map(({ name }) => name)).toEqual([
      '1.0',
    ]);
    await expect(client.application.get('nothing')).rejects.toEqual(
      refusal(404, 'ApplicationNotFound'),
    );
  });

  it('keep what is in use: packages, the default version, versions that are not to change', async () => {
    const { applicationOperations: applications, applicationPackageOperations: packages } = arm;
    await deploy('Keep', '1.0', says('one'));
    await expect(applications.delete(GROUP, account, 'Keep')).rejects.toEqual(refusal(409));
    await applications.update(GROUP, account, 'Keep', { defaultVersion: '1.0' });
    await expect(packages.delete(GROUP, account, 'Keep', '1.0')).rejects.toEqual(refusal(409));
    await applications.update(GROUP, account, 'Keep', { allowUpdates: false });
    await create('Keep', '2.0');
    await expect(create('Keep', '1.0')).rejects.toEqual(refusal(409));
    await packages.delete(GROUP, account, 'Keep', '2.0');
    await packages.delete(GROUP, account, 'Keep', '2.0');
    await expect(packages.get(GROUP, account, 'Keep', '2.0')).rejects.toEqual(refusal(404));
    await applications.update(GROUP, account, 'Keep', { allowUpdates: true });
    expect((await create('Keep', '1.0')).state).toBe('Pending');
    for (let count = 2; count <= 40; count += 1) await create('Keep', `v${count}`);
    await expect(create('Keep', 'v41')).rejects.toEqual(refusal(409));
  });
});

describe('application packages of pools', () => {
  it('must exist and be active', async () => {
    await arm.applicationOperations.create(GROUP, account, 'Unready');
    await create('Unready', '1');
    const add = (applicationId: string, version?: string) =>
      client.pool.add({
        ...pool,
        id: 'refused',
        applicationPackageReferences: [{ applicationId, version }],
      });
    for (const [id, version] of [
      ['Nowhere', '1'],
      ['Unready', '1'],
      ['Unready', '2'],
      ['Unready'],
    ] as const) {
      const thrown = (await add(id, version).catch((error: unknown) => error)) as {
        statusCode: number;
        body: { code: string; values: { key: string }[] };
      };
      expect(thrown.statusCode).toBe(409);
      expect(thrown.body.code).toBe('InvalidApplicationPackageReferences');
      expect(thrown.body.values[0]?.key).toBe(id);
    }
    expect((await client.pool.exists('refused')).body).toBe(false);
  });

  it('are on each node before its start task; a change arrives with the next boot', async () => {
    await deploy('Say', '1.0', says('first'));
    await deploy('Say', '2.0', says('second'));
    await arm.applicationOperations.update(GROUP, account, 'Say', { defaultVersion: '1.0' });
    const commandLine = `/bin/sh -c '$AZ_BATCH_APP_PACKAGE_Say/say > $AZ_BATCH_NODE_SHARED_DIR/said'`;
    await client.pool.add({
      ...pool,
      id: 'packed',
      targetDedicatedNodes: 1,
      startTask: { commandLine, waitForSuccess: true },
      applicationPackageReferences: [{ applicationId: 'Say' }],
    });
    const { id = '' } = await node('packed', 'idle');
    await client.job.add({ id: 'packed', poolInfo: { poolId: 'packed' } });
    const cat = `/bin/sh -c 'cat $AZ_BATCH_NODE_SHARED_DIR/said; $AZ_BATCH_APP_PACKAGE_say/say'`;
    const run = async (taskId: string) => {
      await client.task.add('packed', { id: taskId, commandLine: cat });
      await completed('packed', taskId);
      return stdout('packed', taskId);
    };
    expect(await run('before')).toBe('first\nfirst\n');
    await arm.applicationOperations.update(GROUP, account, 'Say', { defaultVersion: '2.0' });
    await client.pool.patch('packed', {
      applicationPackageReferences: [{ applicationId: 'say' }],
    });
    expect(await run('unchanged')).toBe('first\nfirst\n');
    await node('packed', 'idle');
    await client.computeNode.reboot('packed', id);
    await waitFor('the reboot', async () => {
      const { state, lastBootTime } = await client.computeNode.get('packed', id);
      return state === 'idle' && lastBootTime !== undefined;
    });
    expect(await run('after')).toBe('second\nsecond\n');
    const files = await client.file.listFromComputeNode('packed', id, { recursive: true });
    const names = files.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['applications/Say/1.0/say', 'applications/Say/2.0/say']),
    );
  });

  it('that fail make the node unusable until it boots with better ones', async () => {
    await deploy('Broken', '1.0', makeZip([{ name: '../escape', content: 'x' }]));
    await client.pool.add({
      ...pool,
      id: 'broken',
      targetDedicatedNodes: 1,
      applicationPackageReferences: [{ applicationId: 'Broken', version: '1.0' }],
    });
    const { id = '', errors } = await node('broken', 'unusable');
    expect(errors?.[0]).toMatchObject({ code: 'ApplicationPackageError' });
    expect(errors?.[0]?.errorDetails?.[0]).toEqual({
      name: 'ApplicationPackageReference',
      value: 'Broken 1.0',
    });
    const { storageUrl } = await create('Broken', '1.0');
    await upload(storageUrl, says('mended'));
    await activate('Broken', '1.0');
    await client.computeNode.reboot('broken', id);
    const healed = await node('broken', 'idle');
    expect(healed.id).toBe(id);
    expect(healed.errors ?? []).toEqual([]);
  });
});

describe('application packages of tasks', () => {
  it('are there for the task alone; without a version it is the default one', async () => {
    await deploy('Greet', '1.5-rc', says('greetings'));
    await client.pool.add({ ...pool, id: 'tasks', targetDedicatedNodes: 1 });
    await client.job.add({ id: 'tasks', poolInfo: { poolId: 'tasks' } });
    const add = (id: string, applicationPackageReferences: object[], commandLine: string) =>
      client.task.add('tasks', {
        id,
        commandLine: `/bin/sh -c '${commandLine}'`,
        applicationPackageReferences: applicationPackageReferences as { applicationId: string }[],
      });
    const versioned = { applicationId: 'Greet', version: '1.5-rc' };
    await add('versioned', [versioned], '$AZ_BATCH_APP_PACKAGE_Greet_1_5_rc/say');
    await add('none', [{ applicationId: 'Greet' }], 'true');
    await add('missing', [{ applicationId: 'Missing', version: '1' }], 'true');
    expect((await completed('tasks', 'versioned')).executionInfo?.exitCode).toBe(0);
    expect(await stdout('tasks', 'versioned')).toBe('greetings\n');
    for (const id of ['none', 'missing']) {
      const { executionInfo } = await completed('tasks', id);
      expect(executionInfo).toMatchObject({
        result: 'failure',
        failureInfo: { category: 'usererror', code: 'ApplicationPackageError' },
      });
      expect(executionInfo?.exitCode).toBeUndefined();
    }
    await arm.applicationOperations.update(GROUP, account, 'Greet', { defaultVersion: '1.5-rc' });
    await add('default', [{ applicationId: 'Greet' }], '$AZ_BATCH_APP_PACKAGE_greet/say');
    expect((await completed('tasks', 'default')).executionInfo?.exitCode).toBe(0);
    expect(await stdout('tasks', 'default')).toBe('greetings\n');
  });
});

describe('what applications leave', () => {
  it('survives the controller, and goes with its package', async () => {
    await deploy('Durable', '1', says('still here'));
    await controller.restart();
    expect(await client.application.get('durable')).toMatchObject({ versions: ['1'] });
    const { storageUrl } = await arm.applicationPackageOperations.get(
      GROUP,
      account,
      'Durable',
      '1',
    );
    await arm.applicationPackageOperations.delete(GROUP, account, 'Durable', '1');
    await expect(new BlockBlobClient(plain(storageUrl)).downloadToBuffer()).rejects.toMatchObject({
      statusCode: 404,
    });
    await arm.applicationOperations.delete(GROUP, account, 'Durable');
  });
});

describe('linked storage accounts', () => {
  it('are kept and shown, and their keys synchronised', async () => {
    const { batchAccountOperations: accounts } = arm;
    const storageAccountId = '/subscriptions/s/providers/Microsoft.Storage/storageAccounts/x';
    const made = await accounts.beginCreateAndWait('rg', 'linked', {
      location: 'local',
      autoStorage: { storageAccountId },
    });
    expect(made.autoStorage).toMatchObject({ storageAccountId, authenticationMode: 'StorageKeys' });
    await accounts.synchronizeAutoStorageKeys('rg', 'linked');
    const { autoStorage } = await accounts.get('rg', 'linked');
    expect(autoStorage?.lastKeySync?.getTime()).toBeGreaterThanOrEqual(
      made.autoStorage?.lastKeySync?.getTime() ?? Infinity,
    );
    const unlinked = await accounts.update('rg', 'linked', { tags: { a: 'b' } });
    expect(unlinked.autoStorage).toBeDefined();
    await accounts.synchronizeAutoStorageKeys(GROUP, account);
    await accounts.beginDeleteAndWait('rg', 'linked');
  });
});
