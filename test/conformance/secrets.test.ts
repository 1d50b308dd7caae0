import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient, managementClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

/** In every secret of this file, and in nothing else. */
const MARK = 'kept-under-seal';
const secret = (of: string) => `${MARK}-${of}`;
const registry = { userName: 'u', password: secret('registry'), registryServer: 'r.example' };
const containerSettings = { imageName: 'i', registry };

/** Every place of a pool that takes one. */
const POOL = {
  vmSize: PROCESS_POOL.vmSize,
  virtualMachineConfiguration: {
    ...PROCESS_POOL.virtualMachineConfiguration,
    containerConfiguration: {
      type: 'dockerCompatible',
      containerRegistries: [registry],
    },
    extensions: [
      {
        name: 'e',
        publisher: 'p',
        type: 't',
        settings: { password: 'open' },
        protectedSettings: { key: secret('settings') },
      },
    ],
  },
  userAccounts: [
    {
      name: 'jane',
      password: secret('account'),
      linuxUserConfiguration: { sshPrivateKey: secret('ssh') },
    },
  ],
  mountConfiguration: [
    {
      azureBlobFileSystemConfiguration: {
        accountName: 'a',
        containerName: 'c',
        relativeMountPath: 'one',
        accountKey: secret('blob'),
      },
    },
    {
      azureBlobFileSystemConfiguration: {
        accountName: 'a',
        containerName: 'c',
        relativeMountPath: 'two',
        sasKey: secret('sas'),
      },
    },
    {
      azureFileShareConfiguration: {
        accountName: 'a',
        azureFileUrl: 'https://a.example/share',
        accountKey: secret('share'),
        relativeMountPath: 'three',
      },
    },
    {
      cifsMountConfiguration: {
        username: 'u',
        password: secret('cifs'),
        source: '//s/share',
        relativeMountPath: 'four',
      },
    },
  ],
  startTask: { commandLine: '/bin/true', containerSettings },
};

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController({ tls: true });
  client = batchClient(controller);
});
afterAll(() => controller.stop());

async function add(path: string, body: object): Promise<void> {
  const answer = await signedRequest(controller, 'POST', path, { body: JSON.stringify(body) });
  expect([answer.status, answer.text]).toEqual([
    expect.any(Number),
    expect.not.stringContaining(MARK),
  ]);
  expect(answer.status, answer.text).toBeLessThan(300);
}

/** Files of the data folder, those of nodes left out. */
function filesWith(text: string): string[] {
  return readdirSync(controller.dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/nodes/'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

describe('secrets of pools, jobs, schedules and tasks', () => {
  it('are taken wherever a specification has a place for one', async () => {
    const autoPoolSpecification = { poolLifetimeOption: 'job', pool: POOL };
    const task = { commandLine: '/bin/true', containerSettings };
    await add('/pools', { id: 'p', ...POOL });
    await add('/jobs', {
      id: 'j',
      poolInfo: { autoPoolSpecification },
      jobManagerTask: { id: 'm', ...task },
      jobPreparationTask: task,
      jobReleaseTask: task,
    });
    await add('/jobschedules', {
      id: 's',
      schedule: { doNotRunUntil: new Date(Date.now() + 86_400_000).toISOString() },
      jobSpecification: { poolInfo: { autoPoolSpecification } },
    });
    await add('/jobs/j/tasks', { id: 'one', ...task });
    await add('/jobs/j/addtaskcollection', { value: [{ id: 'two', ...task }] });
    const { userAccounts, mountConfiguration, startTask } = POOL;
    await managementClient(controller).poolOperations.create('batchyard', controller.account, 'a', {
      vmSize: POOL.vmSize,
      deploymentConfiguration: {
        virtualMachineConfiguration: {
          imageReference: PROCESS_POOL.virtualMachineConfiguration.imageReference,
          nodeAgentSkuId: PROCESS_POOL.virtualMachineConfiguration.nodeAgentSKUId,
        },
      },
      scaleSettings: { fixedScale: { targetDedicatedNodes: 0 } },
      userAccounts,
      mountConfiguration: mountConfiguration.slice(0, 2),
      startTask,
    } as never);
  });

  it('are in no answer, and what is no secret is', async () => {
    for (const path of ['/pools', '/jobs', '/jobschedules', '/jobs/j/tasks']) {
      const { status, text } = await signedRequest(controller, 'GET', path);
      expect([status, text.includes(MARK)], path).toEqual([200, false]);
      expect(text, path).not.toContain('batchyard-sealed');
    }
    const pool = await client.pool.get('p');
    expect(pool.userAccounts).toEqual([
      { name: 'jane', elevationLevel: 'nonadmin', linuxUserConfiguration: {} },
    ]);
    const [extension] = pool.virtualMachineConfiguration?.extensions ?? [];
    expect(extension?.settings).toEqual({ password: 'open' });
    const arm = await managementClient(controller).poolOperations.get(
      'batchyard',
      controller.account,
      'a',
    );
    expect(JSON.stringify(arm)).not.toMatch(/kept-under-seal|batchyard-sealed/);
  });

  it('are in the clear in no file of the controller, nor in its log', () => {
    expect(filesWith(MARK)).toEqual([]);
    expect(filesWith('jane')).not.toEqual([]);
    expect(controller.logs()).not.toContain(MARK);
  });

  it('are the same after an update of the job that sends them again, and after a start', async () => {
    await client.job.disable('j', 'requeue');
    await waits(client).job('j', 'disabled');
    await controller.restart();
    client = batchClient(controller);
    const autoPoolSpecification = { poolLifetimeOption: 'job', keepAlive: true, pool: POOL };
    const body = JSON.stringify({ poolInfo: { autoPoolSpecification } });
    const { status, text } = await signedRequest(controller, 'PATCH', '/jobs/j', { body });
    expect([status, text]).toEqual([200, '']);
    expect(filesWith(MARK)).toEqual([]);
  });
});
