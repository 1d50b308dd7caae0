import { readFileSync } from 'node:fs';
import { BatchManagementClient } from '@azure/arm-batch';
import type { Pool } from '@azure/arm-batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificate.js';
import { batchClient } from '../support/client.js';
import { waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const POLL = { updateIntervalInMs: 50 };

let controller: StartedController;
beforeAll(async () => {
  controller = await startController({ tls: true });
});
afterAll(() => controller.stop());

/** The official management client, unchanged, over https with the controller's own CA. */
function management(token = controller.adminToken): BatchManagementClient {
  const credential = {
    getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  return new BatchManagementClient(credential, SUBSCRIPTION, {
    endpoint: controller.tlsUrl,
    tlsOptions: { ca: readFileSync(controller.caFile ?? '', 'utf8') },
    retryOptions: { maxRetries: 0 },
  });
}

const create = (name: string, group = 'rg') =>
  management().batchAccountOperations.beginCreateAndWait(group, name, { location: 'local' }, POLL);

/** The data plane's client of an account that was made here. */
async function keyed(account: string) {
  const { primary: key = '' } = await management().batchAccountOperations.getKeys('rg', account);
  return batchClient({ url: controller.url, account, key });
}

describe('accounts', () => {
  it('are made, listed, changed and deleted, each at once', async () => {
    const { batchAccountOperations: accounts } = management();
    const made = await create('fresh');
    expect(made).toMatchObject({
      name: 'fresh',
      location: 'local',
      provisioningState: 'Succeeded',
    });
    expect(made.id).toBe(
      `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Batch/batchAccounts/fresh`,
    );
    const names: (string | undefined)[] = [];
    for await (const { name } of accounts.list()) names.push(name);
    expect(names).toEqual(expect.arrayContaining(['fresh', controller.account]));
    expect((await accounts.update('rg', 'fresh', { tags: { team: 'blue' } })).tags).toEqual({
      team: 'blue',
    });
    await expect(accounts.get('another', 'fresh')).rejects.toMatchObject({ statusCode: 404 });
    await expect(create('fresh', 'another')).rejects.toMatchObject({ statusCode: 409 });
    await accounts.beginDeleteAndWait('rg', 'fresh', POLL);
    await expect(accounts.get('rg', 'fresh')).rejects.toMatchObject({ statusCode: 404 });
  });

  it('have two keys that both sign, until one is made anew', async () => {
    const { batchAccountOperations: accounts } = management();
    await create('keys');
    const signs = (key = '') =>
      batchClient({ url: controller.url, account: 'keys', key }).pool.list();
    const { primary, secondary } = await accounts.getKeys('rg', 'keys');
    expect(await signs(primary)).toHaveLength(0);
    expect(await signs(secondary)).toHaveLength(0);
    const renewed = await accounts.regenerateKey('rg', 'keys', { keyName: 'Primary' });
    expect(renewed.secondary).toBe(secondary);
    await expect(signs(primary)).rejects.toMatchObject({ statusCode: 403 });
    expect(await signs(renewed.primary)).toHaveLength(0);
    expect(controller.logs()).not.toContain(renewed.primary);
  });

  it('are refused under a bad name, and nothing is made', async () => {
    for (const name of ['ab', 'UPPER', 'with-dash', 'x'.repeat(25)])
      await expect(create(name, 'refused')).rejects.toMatchObject({
        statusCode: 400,
        code: 'InvalidAccountName',
      });
    const accounts = management().batchAccountOperations.listByResourceGroup('refused');
    expect((await accounts.next()).done).toBe(true);
  });

  it('are nobody’s without the admin’s token', async () => {
    await expect(management('wrong').batchAccountOperations.get('rg', 'x')).rejects.toMatchObject({
      statusCode: 401,
      code: 'InvalidAuthenticationToken',
    });
  });

  it('have a location with sizes, quotas and free names', async () => {
    const { location } = management();
    expect((await location.getQuotas('local')).accountQuota).toBeGreaterThan(0);
    const sizes: (string | undefined)[] = [];
    for await (const { name } of location.listSupportedVirtualMachineSkus('local'))
      sizes.push(name);
    expect(sizes).toContain('standard_d1_v2');
    const few = location.listSupportedVirtualMachineSkus('local', { maxresults: 2 });
    const paged: (string | undefined)[] = [];
    for await (const page of few.byPage()) {
      expect(page.length).toBeLessThanOrEqual(2);
      paged.push(...page.map(({ name }) => name));
    }
    expect(paged.toSorted()).toEqual(sizes.toSorted());
    const type = 'Microsoft.Batch/batchAccounts' as const;
    const check = (name: string) => location.checkNameAvailability('local', { name, type });
    expect(await check(controller.account)).toMatchObject({ reason: 'AlreadyExists' });
    expect(await check('No Good!')).toMatchObject({ nameAvailable: false, reason: 'Invalid' });
    expect((await check('free1')).nameAvailable).toBe(true);
  });
});

describe('lists of the management plane', () => {
  /** Everything that the client's own paging gives. */
  async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
    const found: T[] = [];
    for await (const one of pages) found.push(one);
    return found;
  }

  it('of pools are filtered, selected and paged by ARM’s names', async () => {
    await create('armlists');
    const { poolOperations: pools } = management();
    const deploymentConfiguration = {
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSkuId: 'batch.node.process',
      },
    };
    for (const name of ['b1', 'a1', 'a2'])
      await pools.create('rg', 'armlists', name, {
        vmSize: name === 'a2' ? 'STANDARD_D2_V2' : 'STANDARD_D1_V2',
        deploymentConfiguration,
      });
    const list = (options: { filter?: string; select?: string; maxresults?: number }) =>
      all(pools.listByBatchAccount('rg', 'armlists', options));
    const names = async (filter: string) => (await list({ filter })).map(({ name }) => name);
    expect(await names("startswith(name,'A')")).toEqual(['a1', 'a2']);
    expect(await names("properties/vmSize eq 'standard_d1_v2' and not (name eq 'b1')")).toEqual([
      'a1',
    ]);
    expect(await names("properties/provisioningState eq 'Deleting'")).toEqual([]);
    expect(await names("properties/creationTime gt DateTime'2020-01-01'")).toHaveLength(3);
    const paged = await list({ maxresults: 1, filter: "startswith(name,'a')" });
    expect(paged.map(({ name }) => name)).toEqual(['a1', 'a2']);
    const [selected] = await list({ select: 'name,properties/vmSize' });
    expect(selected).toMatchObject({ name: 'a1', vmSize: 'STANDARD_D1_V2' });
    expect(selected?.id).toContain('/pools/a1');
    expect(selected?.allocationState).toBeUndefined();
    const refused = { statusCode: 400, code: 'InvalidQueryParameterValue' };
    await expect(list({ filter: "allocationState eq 'Steady'" })).rejects.toMatchObject(refused);
    await expect(list({ select: 'vmSize' })).rejects.toMatchObject(refused);
    await expect(list({ maxresults: 0 })).rejects.toMatchObject(refused);
  });

  it('of certificates likewise', async () => {
    const { certificateOperations: certificates } = management();
    const made: string[] = [];
    for (const subject of ['one', 'two']) {
      const { thumbprint, pfx } = makeCertificate(subject);
      const name = `sha1-${thumbprint}`;
      made.push(name.toLowerCase());
      await certificates.create('rg', 'armlists', name, {
        data: pfx('secret'),
        password: 'secret',
      });
    }
    const list = (options: { filter?: string; select?: string; maxresults?: number }) =>
      all(certificates.listByBatchAccount('rg', 'armlists', options));
    const names = async (filter: string) =>
      (await list({ filter, maxresults: 1 })).map(({ name }) => name?.toLowerCase());
    expect(await names("properties/provisioningState eq 'Succeeded'")).toEqual(made.toSorted());
    expect(await names(`name eq '${made[0] ?? ''}'`)).toEqual([made[0]]);
    const [selected] = await list({ select: 'properties/thumbprint' });
    expect(selected?.thumbprint).toBeDefined();
    expect(selected?.provisioningState).toBeUndefined();
  });
});

describe('pools of the management plane', () => {
  it('are the data plane’s pools in another shape', async () => {
    const { poolOperations: pools } = management();
    await create('armpools');
    const made = await pools.create('rg', 'armpools', 'p', {
      vmSize: 'STANDARD_D1_V2',
      deploymentConfiguration: {
        virtualMachineConfiguration: {
          imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
          nodeAgentSkuId: 'batch.node.process',
        },
      },
      scaleSettings: { fixedScale: { targetDedicatedNodes: 0, resizeTimeout: 'PT8M' } },
      startTask: {
        commandLine: '/bin/true',
        userIdentity: { autoUser: { scope: 'Pool', elevationLevel: 'Admin' } },
      },
    });
    expect(made).toMatchObject({ name: 'p', provisioningState: 'Succeeded', taskSlotsPerNode: 1 });
    const client = await keyed('armpools');
    expect(await client.pool.get('p')).toMatchObject({
      resizeTimeout: 'PT8M',
      startTask: { userIdentity: { autoUser: { scope: 'pool', elevationLevel: 'admin' } } },
    });
    await pools.update('rg', 'armpools', 'p', { metadata: [{ name: 'c', value: 'd' }] });
    expect((await pools.get('rg', 'armpools', 'p')).metadata).toEqual([{ name: 'c', value: 'd' }]);
    await expect(
      pools.create('rg', 'armpools', 'q', { vmSize: 'STANDARD_D1_V2' }, { ifMatch: '*' }),
    ).rejects.toMatchObject({ statusCode: 412 });
    await pools.beginDeleteAndWait('rg', 'armpools', 'p', POLL);
    expect((await client.pool.exists('p')).body).toBe(false);
  });

  it('have enums and names as ARM spells them, and tell of their resize', async () => {
    const { poolOperations: pools } = management();
    await create('armshape');
    const body: Pool = {
      vmSize: 'STANDARD_D1_V2',
      deploymentConfiguration: {
        virtualMachineConfiguration: {
          imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
          nodeAgentSkuId: 'batch.node.process',
          dataDisks: [
            { lun: 0, diskSizeGB: 5, caching: 'ReadOnly', storageAccountType: 'Premium_LRS' },
          ],
          diskEncryptionConfiguration: { targets: ['OsDisk', 'TemporaryDisk'] },
          nodePlacementConfiguration: { policy: 'Regional' },
        },
      },
      networkConfiguration: {
        dynamicVnetAssignmentScope: 'none',
        endpointConfiguration: {
          inboundNatPools: [
            {
              name: 'web',
              protocol: 'TCP',
              backendPort: 8080,
              frontendPortRangeStart: 15000,
              frontendPortRangeEnd: 15100,
              networkSecurityGroupRules: [
                { priority: 200, access: 'Allow', sourceAddressPrefix: '*' },
              ],
            },
          ],
        },
        publicIPAddressConfiguration: { provision: 'NoPublicIPAddresses' },
      },
      userAccounts: [{ name: 'jane', password: 'Secret-1', elevationLevel: 'NonAdmin' }],
      startTask: {
        commandLine: '/bin/true',
        userIdentity: { autoUser: { scope: 'Pool', elevationLevel: 'Admin' } },
      },
      mountConfiguration: [
        {
          cifsMountConfiguration: {
            userName: 'u',
            password: 'Secret-2',
            source: '//host/share',
            relativeMountPath: 'share',
          },
        },
      ],
      targetNodeCommunicationMode: 'Simplified',
    };
    const before = Date.now();
    await pools.create('rg', 'armshape', 'p', body);
    const shown = JSON.parse(
      JSON.stringify(body, (name, value: unknown) => (name === 'password' ? undefined : value)),
    ) as object;
    const made = await pools.get('rg', 'armshape', 'p');
    expect(made).toMatchObject(shown);
    expect(made.resizeOperationStatus).toMatchObject({
      nodeDeallocationOption: 'Requeue',
      resizeTimeout: 'PT15M',
      targetDedicatedNodes: 0,
    });
    expect(made.resizeOperationStatus?.startTime?.getTime()).toBeGreaterThanOrEqual(before);
    const client = await keyed('armshape');
    await waits(client).steady('p');
    const resized = await pools.update('rg', 'armshape', 'p', {
      scaleSettings: {
        fixedScale: { targetDedicatedNodes: 1, nodeDeallocationOption: 'TaskCompletion' },
      },
    });
    expect(resized.resizeOperationStatus?.nodeDeallocationOption).toBe('TaskCompletion');
    for await (const listed of pools.listByBatchAccount('rg', 'armshape'))
      expect(listed.resizeOperationStatus?.startTime).toBeInstanceOf(Date);
  });
});

describe('certificates of the management plane', () => {
  it('are made, given other data, and deleted', async () => {
    await create('armcerts');
    const { certificateOperations: certificates } = management();
    const { thumbprint, pfx, cer } = makeCertificate('replaced');
    const name = `SHA1-${thumbprint}`;
    const data = (password: string) => ({ data: pfx(password), password });
    const path = ['rg', 'armcerts', name] as const;
    const gone = { statusCode: 412, code: 'PreconditionFailed' };
    await expect(certificates.create(...path, data('a'), { ifMatch: '*' })).rejects.toMatchObject(
      gone,
    );
    await expect(certificates.update(...path, data('a'))).rejects.toMatchObject({
      statusCode: 404,
    });
    const made = await certificates.create(...path, data('a'), { ifNoneMatch: '*' });
    expect(made).toMatchObject({ provisioningState: 'Succeeded', format: 'Pfx', thumbprint });
    await expect(
      certificates.create(...path, data('a'), { ifNoneMatch: '*' }),
    ).rejects.toMatchObject(gone);
    const changed = await certificates.update(...path, data('b'), { ifMatch: made.eTag });
    expect(changed).toMatchObject({ provisioningState: 'Succeeded', publicData: made.publicData });
    expect(changed.eTag).not.toBe(made.eTag);
    await expect(
      certificates.update(...path, data('c'), { ifMatch: made.eTag }),
    ).rejects.toMatchObject(gone);
    await expect(
      certificates.update(...path, { data: pfx('c'), password: 'another' }),
    ).rejects.toMatchObject({ statusCode: 400 });
    expect(await certificates.create(...path, { data: cer, format: 'Cer' })).toMatchObject({
      format: 'Cer',
    });
    await certificates.beginDeleteAndWait(...path, POLL);
    await expect(certificates.get(...path)).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('a delete of what is not there', () => {
  it('is done at once', async () => {
    await create('armnothing');
    const status = async (path: string) => {
      const url = `${controller.url}/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Batch/batchAccounts/${path}?api-version=2023-11-01`;
      const headers = { authorization: `Bearer ${controller.adminToken}` };
      return (await fetch(url, { method: 'DELETE', headers })).status;
    };
    for (const path of ['nothing', 'armnothing/pools/p', 'armnothing/certificates/sha1-ab'])
      expect([path, await status(path)]).toEqual([path, 204]);
  });
});
