import { createRequire } from 'node:module';
import type * as Batchyard from '../../provider/index.js';
import * as pulumi from '@pulumi/pulumi';
import { beforeAll, describe, expect, it } from 'vitest';
import { KIND_NAMES, pointerTo } from '../../provider/dynamic/pointer.js';

const require = createRequire(import.meta.url);
const registered: pulumi.runtime.MockResourceArgs[] = [];
let batchyard: typeof Batchyard;
beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource: (args) => {
      registered.push(args);
      return { id: `${args.name}-id`, state: args.inputs as Record<string, unknown> };
    },
    call: () => ({}),
  });
  batchyard = require('@batchyard/pulumi') as typeof Batchyard;
});

const secretOutputs = async (output: unknown) =>
  (output as { isSecret: Promise<boolean> }).isSecret;

describe('what a stack holds of the provider', () => {
  it('is a constant text for every kind: changing one breaks the state of every stack', () => {
    expect(KIND_NAMES.map(pointerTo)).toEqual([
      'exports.handler=()=>require("@batchyard/pulumi/impl").account;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").storageContainer;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").certificate;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").pool;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").job;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").jobSchedule;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").application;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").applicationPackage;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").task;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").taskCollection;',
      'exports.handler=()=>require("@batchyard/pulumi/impl").image;',
    ]);
  });
  it('leads to a provider with every operation', () => {
    for (const kind of KIND_NAMES) {
      const exported = {} as { handler: () => Record<string, unknown> };
      new Function('exports', 'require', pointerTo(kind))(exported, require);
      for (const operation of ['configure', 'check', 'diff', 'create', 'read', 'update', 'delete'])
        expect(exported.handler()[operation], `${kind}.${operation}`).toBeTypeOf('function');
    }
  });
});

describe('resource classes', () => {
  it('declare outputs that exist, under type tokens that never change', async () => {
    const account = new batchyard.Account('a', { accountName: 'yard' });
    const certificate = new batchyard.Certificate('c', {
      accountName: 'yard',
      selfSigned: { commonName: 'x' },
      secrets: { a: 'b' },
    });
    const poolInfo = { poolId: 'p' };
    const pool = new batchyard.Pool('p', {
      accountName: account.accountName,
      poolName: 'p',
      vmSize: 'small',
      deploymentConfiguration: {
        virtualMachineConfiguration: { imageReference: { publisher: 'b' }, nodeAgentSkuId: 's' },
      },
    });
    const job = new batchyard.Job('j', { accountName: 'yard', jobId: 'j', poolInfo });
    const schedule = new batchyard.JobSchedule('s', {
      accountName: 'yard',
      jobScheduleId: 's',
      schedule: {},
      jobSpecification: { poolInfo },
    });
    const container = new batchyard.StorageContainer('f', {
      accountName: 'yard',
      containerName: 'files',
    });
    const { accountEndpoint, primaryKey } = account;
    const { thumbprint, encryptedSecrets, certificatePem } = certificate;
    const outputs = {
      accountEndpoint,
      primaryKey,
      thumbprint,
      encryptedSecrets,
      certificatePem,
      a: pool.poolName,
      b: pool.allocationState,
      c: job.jobId,
      d: job.creationTime,
      e: schedule.jobScheduleId,
      f: container.containerUrl,
      g: container.blobNames,
    };
    for (const [name, output] of Object.entries(outputs))
      expect(pulumi.Output.isInstance(output), name).toBe(true);
    await Promise.all(
      [account, certificate, pool, job, schedule, container].map((resource) =>
        (resource.urn as unknown as { promise(): Promise<string> }).promise(),
      ),
    );
    expect(registered.map(({ type }) => type).sort()).toEqual(
      ['Account', 'Certificate', 'Job', 'JobSchedule', 'Pool', 'StorageContainer'].map(
        (name) => `pulumi-nodejs:dynamic/batchyard:${name}`,
      ),
    );
  });
  it('keep given secrets secret, also plain texts', async () => {
    const certificate = new batchyard.Certificate('plain', {
      accountName: 'yard',
      data: 'QUJD',
      password: 'hidden',
      connection: { adminToken: 't' },
    });
    for (const name of ['data', 'password', 'connection'])
      expect(
        await secretOutputs((certificate as unknown as Record<string, unknown>)[name]),
        name,
      ).toBe(true);
  });
  it('keep passwords secret wherever they stand', async () => {
    const registry = { registryServer: 'r', password: 'hidden' };
    const pool = new batchyard.Pool('secretive', {
      accountName: 'yard',
      poolName: 'p',
      vmSize: 'small',
      deploymentConfiguration: pulumi.output({
        virtualMachineConfiguration: {
          imageReference: { publisher: 'b' },
          nodeAgentSkuId: 's',
          containerConfiguration: {
            type: 'DockerCompatible' as const,
            containerRegistries: [registry],
          },
        },
      }),
      userAccounts: [{ name: 'u', password: 'hidden' }],
    });
    const properties = pool as unknown as Record<string, unknown>;
    for (const name of ['deploymentConfiguration', 'userAccounts'])
      expect(await secretOutputs(properties[name]), name).toBe(true);
    expect(await secretOutputs(pool.vmSize)).toBe(false);
  });
  it('say at once which input is missing', () => {
    const args = { accountName: 'yard' } as Batchyard.PoolArgs;
    expect(() => new batchyard.Pool('lost', args)).toThrow('Pool "lost": poolName is required');
  });
});
