import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal, statusOf, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

const add = (id: string, more: object = {}) => client.pool.add({ ...PROCESS_POOL, id, ...more });
const raw = async (id: string) =>
  JSON.parse((await signedRequest(controller, 'GET', `/pools/${id}`)).text) as Record<
    string,
    unknown
  >;

describe('a new pool', () => {
  it('is resizing at first, even to no nodes, then steady', async () => {
    expect(statusOf(await add('Fresh'))).toBe(201);
    const pool = await client.pool.get('fresh');
    expect(pool).toMatchObject({ id: 'Fresh', state: 'active' });
    expect(['resizing', 'steady']).toContain(pool.allocationState);
    const steady = await until.steady('fresh');
    expect(steady.allocationStateTransitionTime?.getTime()).toBeGreaterThanOrEqual(
      steady.creationTime?.getTime() ?? Infinity,
    );
  });

  it('reads back with the defaults of the contract', async () => {
    await add('defaults');
    await until.steady('defaults');
    const pool = await raw('defaults');
    expect(pool).toMatchObject({
      vmSize: 'standard_d2_v2',
      resizeTimeout: 'PT15M',
      currentDedicatedNodes: 0,
      currentLowPriorityNodes: 0,
      targetDedicatedNodes: 0,
      targetLowPriorityNodes: 0,
      enableAutoScale: false,
      enableInterNodeCommunication: false,
      targetNodeCommunicationMode: 'default',
      taskSlotsPerNode: 1,
      url: `${controller.url}/pools/defaults`,
    });
    const { taskSchedulingPolicy } = pool as { taskSchedulingPolicy: { nodeFillType: string } };
    expect(taskSchedulingPolicy.nodeFillType.toLowerCase()).toBe('spread');
    for (const name of ['resizeErrors', 'stats', 'previousState', 'startTask', 'autoScaleFormula'])
      expect(pool).not.toHaveProperty(name);
    expect(pool).toMatchObject({
      virtualMachineConfiguration: { imageReference: { version: 'latest' } },
    });
  });

  it('keeps what it was added with', async () => {
    const body = {
      displayName: 'Full Pool 世界',
      resizeTimeout: 'PT20M',
      enableInterNodeCommunication: true,
      taskSlotsPerNode: 8,
      taskSchedulingPolicy: { nodeFillType: 'pack' },
      applicationLicenses: ['maya'],
      metadata: [
        { name: 'z', value: '1' },
        { name: 'a', value: '' },
      ],
      startTask: {
        commandLine: '/bin/true',
        maxTaskRetryCount: 2,
        waitForSuccess: false,
        environmentSettings: [{ name: 'A', value: 'b' }],
        userIdentity: { autoUser: { scope: 'pool', elevationLevel: 'admin' } },
      },
      userAccounts: [
        { name: 'jane', password: 'Secret-1', elevationLevel: 'admin' },
        {
          name: 'joe',
          password: 'Secret-2',
          linuxUserConfiguration: { uid: 1234, gid: 1234, sshPrivateKey: 'Secret-3' },
        },
      ],
    };
    expect(statusOf(await add('full', body))).toBe(201);
    const pool = await raw('full');
    const { userAccounts: _users, ...rest } = body;
    expect(pool).toMatchObject(rest);
    expect(pool['userAccounts']).toMatchObject([
      { name: 'jane', elevationLevel: 'admin' },
      { name: 'joe', elevationLevel: 'nonadmin', linuxUserConfiguration: { uid: 1234, gid: 1234 } },
    ]);
    expect(JSON.stringify(pool)).not.toMatch(/Secret-|password|sshPrivateKey/);
  });

  it('keeps network and placement fields', async () => {
    const endpointConfiguration = {
      inboundNATPools: [
        {
          name: 'web',
          protocol: 'tcp' as const,
          backendPort: 8080,
          frontendPortRangeStart: 15000,
          frontendPortRangeEnd: 15100,
          networkSecurityGroupRules: [
            { priority: 200, access: 'allow' as const, sourceAddressPrefix: '10.0.0.0/8' },
          ],
        },
      ],
    };
    const publicIPAddressConfiguration = { provision: 'batchmanaged' as const };
    await add('network', {
      networkConfiguration: { endpointConfiguration, publicIPAddressConfiguration },
      virtualMachineConfiguration: {
        ...PROCESS_POOL.virtualMachineConfiguration,
        dataDisks: [{ lun: 3, diskSizeGB: 10 }],
        nodePlacementConfiguration: { policy: 'regional' },
      },
      targetNodeCommunicationMode: 'simplified',
    });
    expect(await raw('network')).toMatchObject({
      networkConfiguration: {
        dynamicVNetAssignmentScope: 'none',
        endpointConfiguration,
        publicIPAddressConfiguration,
      },
      virtualMachineConfiguration: { dataDisks: [{ lun: 3, diskSizeGB: 10 }] },
      targetNodeCommunicationMode: 'simplified',
    });
  });

  it('keeps its mounts without their secrets', async () => {
    const mountConfiguration = [
      {
        azureBlobFileSystemConfiguration: {
          accountName: 'a',
          containerName: 'c',
          relativeMountPath: 'blobs',
          accountKey: 'Secret-1',
          blobfuseOptions: '-o ro',
        },
      },
      {
        azureBlobFileSystemConfiguration: {
          accountName: 'a',
          containerName: 'd',
          relativeMountPath: 'more',
          sasKey: 'Secret-2',
        },
      },
      {
        nfsMountConfiguration: { source: 'h:/x', relativeMountPath: 'nfs', mountOptions: '-o ro' },
      },
      {
        cifsMountConfiguration: {
          username: 'u',
          password: 'Secret-3',
          source: '//h/x',
          relativeMountPath: 'cifs',
        },
      },
      {
        azureFileShareConfiguration: {
          accountName: 'a',
          azureFileUrl: 'https://a.file.core.windows.net/s',
          accountKey: 'Secret-4',
          relativeMountPath: 'share',
        },
      },
    ];
    await add('mounts', { mountConfiguration });
    const pool = await raw('mounts');
    expect(pool['mountConfiguration']).toMatchObject([
      { azureBlobFileSystemConfiguration: { containerName: 'c', blobfuseOptions: '-o ro' } },
      { azureBlobFileSystemConfiguration: { containerName: 'd' } },
      { nfsMountConfiguration: { source: 'h:/x', relativeMountPath: 'nfs' } },
      { cifsMountConfiguration: { username: 'u', source: '//h/x' } },
      { azureFileShareConfiguration: { relativeMountPath: 'share' } },
    ]);
    expect(JSON.stringify(pool)).not.toMatch(/Secret-/);
    const two = { ...mountConfiguration[2], ...mountConfiguration[3] };
    await expect(add('two', { mountConfiguration: [two] })).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it('is refused with 400 for whatever its rules forbid', async () => {
    const machine = PROCESS_POOL.virtualMachineConfiguration;
    const nat = {
      name: 'n',
      protocol: 'tcp',
      backendPort: 80,
      frontendPortRangeStart: 15000,
      frontendPortRangeEnd: 15100,
    };
    const rule = { priority: 200, access: 'allow', sourceAddressPrefix: 'VirtualNetwork' };
    const network = (more: object) => ({
      networkConfiguration: {
        endpointConfiguration: { inboundNATPools: [{ ...nat, ...more }] },
      },
    });
    for (const body of [
      { id: 'not good' },
      { id: '' },
      { id: 'x'.repeat(65) },
      { vmSize: 'gigantic' },
      { targetDedicatedNodes: -1 },
      { targetLowPriorityNodes: -1 },
      { resizeTimeout: 'PT4M59S' },
      { resizeTimeout: 'soon' },
      { taskSlotsPerNode: 9 },
      { taskSlotsPerNode: 0 },
      { applicationLicenses: ['unheardof'] },
      { displayName: 'x'.repeat(1025) },
      { cloudServiceConfiguration: { osFamily: '5' } },
      { networkConfiguration: { subnetId: '/subscriptions/x/subnets/none' } },
      { virtualMachineConfiguration: undefined },
      { startTask: { commandLine: '' } },
      { enableAutoScale: true },
      {
        enableAutoScale: true,
        autoScaleFormula: '$TargetDedicatedNodes=0',
        targetDedicatedNodes: 1,
      },
      { autoScaleFormula: '$TargetDedicatedNodes=0' },
      { virtualMachineConfiguration: { ...machine, nodeAgentSKUId: 'batch.node.unheard' } },
      {
        virtualMachineConfiguration: { ...machine, windowsConfiguration: {} },
      },
      {
        virtualMachineConfiguration: {
          ...machine,
          dataDisks: [
            { lun: 0, diskSizeGB: 1 },
            { lun: 0, diskSizeGB: 1 },
          ],
        },
      },
      {
        virtualMachineConfiguration: {
          ...machine,
          imageReference: { ...machine.imageReference, virtualMachineImageId: '/x' },
        },
      },
      network({ backendPort: 0 }),
      network({ frontendPortRangeEnd: 15010 }),
      network({ frontendPortRangeStart: 50000, frontendPortRangeEnd: 50100 }),
      network({ name: '-bad' }),
      ...[
        { sourceAddressPrefix: 'the office' },
        { sourceAddressPrefix: '10.0.0.0/33' },
        { sourcePortRanges: ['200-100'] },
        { sourcePortRanges: ['65536'] },
        { priority: 149 },
      ].map((more) => network({ networkSecurityGroupRules: [{ ...rule, ...more }] })),
      network({ networkSecurityGroupRules: [rule, { ...rule, access: 'deny' }] }),
      { userAccounts: [{ name: 'x'.repeat(21), password: 'p' }] },
    ])
      await expect(
        signedRequest(controller, 'POST', '/pools', {
          body: JSON.stringify({ ...PROCESS_POOL, id: 'refused', ...body }),
        }).then(({ status }) => status),
        JSON.stringify(body),
      ).resolves.toBe(400);
    expect((await client.pool.exists('refused')).body).toBe(false);
  });

  it('names imageReference when the image is unknown, and its id when the id is taken', async () => {
    const virtualMachineConfiguration = {
      ...PROCESS_POOL.virtualMachineConfiguration,
      imageReference: { publisher: 'x', offer: 'y', sku: 'z' },
    };
    await expect(add('image', { virtualMachineConfiguration })).rejects.toMatchObject({
      ...refusal(400, 'InvalidPropertyValue'),
      body: {
        values: expect.arrayContaining([
          { key: 'PropertyName', value: 'imageReference' },
        ]) as unknown,
      },
    });
    await expect(add('FULL')).rejects.toMatchObject(refusal(409, 'PoolExists'));
    const certificateReferences = [{ thumbprint: 'ab'.repeat(20), thumbprintAlgorithm: 'sha1' }];
    await expect(add('certificate', { certificateReferences })).rejects.toMatchObject(
      refusal(409, 'InvalidCertificateReferences'),
    );
    const applicationPackageReferences = [{ applicationId: 'none' }];
    await expect(add('packages', { applicationPackageReferences })).rejects.toMatchObject(
      refusal(409, 'InvalidApplicationPackageReferences'),
    );
  });

  it('takes its image and its size in any case', async () => {
    await add('case', {
      vmSize: 'STANDARD_D2_V2',
      virtualMachineConfiguration: {
        imageReference: { publisher: 'BatchYard', offer: 'PROCESS', sku: 'Local' },
        nodeAgentSKUId: 'batch.node.process',
      },
    });
    const pool = await client.pool.get('case');
    expect(pool.vmSize).toBe('standard_d2_v2');
    expect(pool.virtualMachineConfiguration?.imageReference).toMatchObject({
      publisher: 'BatchYard',
      version: 'latest',
    });
  });
});

describe('patch', () => {
  it('replaces the named properties; empty lists and objects clear', async () => {
    await add('patched', {
      displayName: 'stays',
      startTask: { commandLine: '/bin/true' },
      metadata: [{ name: 'a', value: 'b' }],
    });
    const before = await client.pool.get('patched');
    const answer = await client.pool.patch('patched', {
      startTask: { commandLine: '/bin/false', waitForSuccess: false },
    });
    expect(statusOf(answer)).toBe(200);
    const after = await client.pool.get('patched');
    expect(after).toMatchObject({
      displayName: 'stays',
      startTask: { commandLine: '/bin/false', maxTaskRetryCount: 0, waitForSuccess: false },
      metadata: [{ name: 'a', value: 'b' }],
    });
    expect(after.eTag).not.toBe(before.eTag);
    expect(answer._response.parsedHeaders.eTag).toBe(after.eTag);
    await client.pool.patch('patched', { metadata: [] });
    expect((await client.pool.get('patched')).metadata ?? []).toEqual([]);
    await client.pool.patch('patched', { targetNodeCommunicationMode: 'classic' });
    expect((await raw('patched'))['targetNodeCommunicationMode']).toBe('classic');
    await client.pool.patch('patched', {});
    expect((await client.pool.get('patched')).startTask?.commandLine).toBe('/bin/false');
    // The client refuses to send an empty start task; it clears as an empty list does.
    const patch = (startTask: object) =>
      signedRequest(controller, 'PATCH', '/pools/patched', { body: JSON.stringify({ startTask }) });
    expect(await patch({ waitForSuccess: true })).toMatchObject({
      status: 400,
      code: 'MissingRequiredProperty',
    });
    expect((await patch({})).status).toBe(200);
    expect((await client.pool.get('patched')).startTask).toBeUndefined();
  });

  it('minds If-Match', async () => {
    const { eTag } = await client.pool.get('patched');
    const patch = (ifMatch: string) =>
      client.pool.patch('patched', { metadata: [] }, { poolPatchOptions: { ifMatch } });
    await expect(patch('0x1')).rejects.toMatchObject(refusal(412, 'ConditionNotMet'));
    await patch(eTag ?? '');
    await expect(patch(eTag ?? '')).rejects.toMatchObject(refusal(412, 'ConditionNotMet'));
  });
});

describe('updateproperties', () => {
  it('replaces everything: an absent start task goes, an absent mode is the default', async () => {
    await add('updated', {
      startTask: { commandLine: '/bin/true' },
      targetNodeCommunicationMode: 'simplified',
      metadata: [{ name: 'a', value: 'b' }],
    });
    const update = {
      certificateReferences: [],
      applicationPackageReferences: [],
      metadata: [{ name: 'c', value: 'd' }],
    };
    expect(statusOf(await client.pool.updateProperties('updated', update))).toBe(204);
    const pool = await client.pool.get('updated');
    expect(pool.startTask).toBeUndefined();
    expect(pool.metadata).toEqual([{ name: 'c', value: 'd' }]);
    expect(pool.targetNodeCommunicationMode).toBe('default');
    const startTask = { commandLine: '/bin/false' };
    await client.pool.updateProperties('updated', { ...update, metadata: [], startTask });
    expect(await client.pool.get('updated')).toMatchObject({ startTask });
    expect((await client.pool.get('updated')).metadata ?? []).toEqual([]);
  });

  it('takes absent certificates as none, as newer clients send it', async () => {
    const body = JSON.stringify({ applicationPackageReferences: [], metadata: [] });
    const path = '/pools/updated/updateproperties';
    expect((await signedRequest(controller, 'POST', path, { body })).status).toBe(204);
  });
});
