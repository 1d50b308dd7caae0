import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { sh } from '../support/process-pool.js';
import { POOL, RemoteHypervisor, remoteRequirement } from '../support/remote-hypervisor.js';
import { ensureImage, libvirtRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const BOOT_TIMEOUT_MS = 600_000;
const PATIENT = { timeoutMs: 200_000, intervalMs: 200 };
/** What the node costs there beside what all nodes share: what it wrote itself. */
const NODE_BYTES_MAX = 64 * 1024 ** 2;
const needs = [await libvirtRequirement(), await remoteRequirement()];

suite('a VM node on another machine, by ssh and without a shared folder', needs, () => {
  const folder = tempDirectory('vm-ssh');
  let remote: RemoteHypervisor;
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    remote = await RemoteHypervisor.start(folder.path, 'ssh', 1024);
    controller = await startController({
      configuration: {
        images: [{ manifest: ensureImage() }],
        // A guest under emulation on a busy machine may not get a word in for longer than is usual.
        leases: { lease: 'PT3M' },
        hypervisors: [
          {
            ...{ name: 'far', uri: remote.uri, domainType: 'qemu', storagePool: POOL },
            capacity: { diskGiB: 100 },
          },
        ],
      },
    });
    client = batchClient(controller);
  }, 300_000);
  afterAll(async () => {
    await controller.stop();
    await remote.stop();
    folder.remove();
  }, 60_000);

  const consoleLog = async (id: string) =>
    (await signedRequest(controller, 'GET', `/pools/far/nodes/${id}/consolelog`)).text;
  const theNode = async () => {
    const [node] = await client.computeNode.list('far');
    if (node === undefined) throw new Error('the pool has no node');
    return node;
  };
  const filesOf = (kind: string) =>
    [...remote.files()].filter(([name]) => name.includes(`.${kind}.`));
  const completed = (id: string) =>
    waitFor(
      `task ${id} to complete`,
      async () => {
        const task = await client.task.get('work', id);
        return task.state === 'completed' && task;
      },
      PATIENT,
    );

  it(
    'boots there from what was sent through libvirt',
    async () => {
      await client.pool.add({
        id: 'far',
        vmSize: 'batchyard_small',
        targetDedicatedNodes: 1,
        taskSlotsPerNode: 2,
        virtualMachineConfiguration: {
          imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12', version: 'latest' },
          nodeAgentSKUId: 'batch.node.debian 12',
        },
      });
      await waitFor(
        'the node to be idle',
        async () => {
          const { resizeErrors } = await client.pool.get('far');
          if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors));
          const [node] = await client.computeNode.list('far');
          return node?.state === 'idle';
        },
        { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 200 },
      ).catch(async (error: unknown) => {
        const { id = '' } = await theNode();
        throw new Error(`${String(error)}\n${await consoleLog(id)}\n${controller.logs()}`);
      });
      expect(remote.domains()).toHaveLength(1);
    },
    BOOT_TIMEOUT_MS,
  );

  it('has all its files in the storage pool there, and none that the controller could have made', () => {
    // Kernel, initial RAM disk, the image and the agent: each whole, and once.
    expect(filesOf('file')).toHaveLength(4);
    expect(filesOf('whole')).toHaveLength(4);
    const own = filesOf('node').map(([name]) => name.split('.').slice(-2).join('.'));
    expect(own.sort()).toEqual(['console.log', 'disk.qcow2', 'seed.json']);
    const bytes = filesOf('node').reduce((sum, [, one]) => sum + one, 0);
    expect(bytes).toBeLessThan(NODE_BYTES_MAX);
    expect(existsSync(remote.poolFolder)).toBe(false);
    const here = readdirSync(join(controller.dataDirectory, 'libvirt', 'far'), {
      recursive: true,
      encoding: 'utf8',
    });
    // Made here to be sent; the ports that lead to the node.
    expect(here.filter((name) => /qcow2|seed|console|vmlinuz|initrd/.test(name))).toEqual([]);
    expect(controller.logs()).toContain('a file of nodes was sent');
  });

  it('runs tasks, and its console can be read', async () => {
    await client.job.add({ id: 'work', poolInfo: { poolId: 'far' } });
    await client.task.add('work', { id: 'look', commandLine: sh('uname -n') });
    expect((await completed('look')).executionInfo?.exitCode).toBe(0);
    expect(await consoleLog((await theNode()).id ?? '')).toContain('agent');
  });

  it('goes on with its task while libvirtd is away, and is known again when it is back', async () => {
    const before = { node: await theNode(), domains: remote.domains() };
    const wait = 'until [ -e "$AZ_BATCH_NODE_SHARED_DIR/go" ]; do sleep 0.2; done';
    await client.task.add('work', { id: 'wait', commandLine: sh(wait) });
    await waitFor(
      'the task to run',
      async () => (await client.task.get('work', 'wait')).state === 'running',
      PATIENT,
    );
    await remote.killLibvirtd();
    await waitFor(
      'the node to say so',
      async () =>
        (await theNode()).errors?.find(({ code }) => code === 'HypervisorUnreachable') !==
        undefined,
      PATIENT,
    );
    const error = (await theNode()).errors?.find(({ code }) => code === 'HypervisorUnreachable');
    expect(error?.errorDetails?.[0]?.value).toMatch(/is libvirtd running there/);
    const go = 'touch "$AZ_BATCH_NODE_SHARED_DIR/go"';
    await client.task.add('work', { id: 'go', commandLine: sh(go) });
    for (const id of ['go', 'wait'])
      expect((await completed(id)).executionInfo).toMatchObject({ exitCode: 0, requeueCount: 0 });

    await remote.startLibvirtd();
    await waitFor('the error to go', async () => (await theNode()).errors === undefined, PATIENT);
    const after = await theNode();
    expect(after.id).toBe(before.node.id);
    expect(after.lastBootTime).toEqual(before.node.lastBootTime);
    expect(remote.domains()).toEqual(before.domains);
  });

  it('leaves only what nodes share when its pool is deleted', async () => {
    await client.job.deleteMethod('work');
    await client.pool.deleteMethod('far');
    await waitFor(
      'the pool to be gone',
      async () => !(await client.pool.exists('far')).body,
      PATIENT,
    );
    expect(remote.domains()).toEqual([]);
    expect(filesOf('node')).toEqual([]);
    expect(filesOf('whole')).toHaveLength(4);
  });
});
