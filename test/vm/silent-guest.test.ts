import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { ensureImage, ensureLibvirtd, libvirtRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { destroyDomainsOf, domainsOf } from './domains.js';

const libvirt = await libvirtRequirement();
type ComputeNode = BatchServiceModels.ComputeNode;

/** The kernel of the built image over an empty disk: one that panics and stands still, and one that powers off. */
suite('VM nodes whose guests never call home', [libvirt], () => {
  const folder = tempDirectory('vm-silent');
  const at = (name: string) => join(folder.path, name);
  let stopLibvirtd: () => void = () => undefined;
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    stopLibvirtd = ensureLibvirtd();
    const { image } = JSON.parse(readFileSync(ensureImage(), 'utf8')) as {
      image: { kernel: string; initrd: string };
    };
    mkdirSync(folder.path, { recursive: true });
    chmodSync(folder.path, 0o711);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at('empty.qcow2'), '1M']);
    const onBase = ['-b', at('base.qcow2'), '-F', 'qcow2', at('orphan.qcow2')];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at('base.qcow2'), '1M']);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...onBase]);
    rmSync(at('base.qcow2'));
    writeFileSync(at('text.qcow2'), 'This is no disk.');
    const names = (name: string) => ({ publisher: 'test', offer: name, sku: 'guest' });
    const offer = (name: string, kernelArguments: string) => ({
      ...{ ...names(name), nodeAgentSkuId: 'none' },
      ...{ provider: 'libvirt', path: at('empty.qcow2'), kernelArguments },
      ...{ kernel: image.kernel, initrd: image.initrd },
    });
    controller = await startController({
      configuration: {
        images: [
          offer('silent', 'console=ttyS0 rdinit=/missing panic=0'),
          offer('ending', 'console=ttyS0 quiet'),
          ...['orphan', 'text'].map((name) => ({
            ...{ ...names(name), nodeAgentSkuId: 'none' },
            ...{ provider: 'libvirt', path: at(`${name}.qcow2`) },
          })),
        ],
        vmSizes: [{ name: 'smallest', vcpus: 1, memoryMiB: 192, diskGiB: 1 }],
        hypervisors: [{ name: 'test', diskDirectory: at('disks'), domainType: 'qemu' }],
        limits: { nodeBootTimeout: 'PT20S' },
      },
    });
    client = batchClient(controller);
    for (const guest of ['silent', 'ending', 'orphan', 'text'])
      await client.pool.add({
        id: guest,
        vmSize: 'smallest',
        targetDedicatedNodes: 1,
        virtualMachineConfiguration: {
          imageReference: { publisher: 'test', offer: guest, sku: 'guest', version: 'latest' },
          nodeAgentSKUId: 'none',
        },
      });
  }, 300_000);
  afterAll(async () => {
    destroyDomainsOf(folder.path);
    await controller.stop();
    stopLibvirtd();
    folder.remove();
  }, 60_000);

  /** The pool's node, once its error tells what is expected of it. */
  const nodeThat = (poolId: string, isSeen: (node: ComputeNode, console: string) => boolean) =>
    waitFor(
      `the node of ${poolId} to say what happened`,
      async () => {
        const { resizeErrors } = await client.pool.get(poolId);
        if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors[0]));
        const [node] = await client.computeNode.list(poolId);
        const details = node?.errors?.[0]?.errorDetails ?? [];
        const console = details.find(({ name }) => name === 'Console')?.value ?? '';
        return node !== undefined && isSeen(node, console) && node;
      },
      { timeoutMs: 150_000, intervalMs: 250 },
    );
  const consoleOf = async (poolId: string, nodeId: string, query = '') => {
    const path = `/pools/${poolId}/nodes/${nodeId}/consolelog${query}`;
    const { status, text } = await signedRequest(controller, 'GET', path);
    return status === 200 ? text : `answered with ${String(status)}`;
  };

  it('are unusable after the boot timeout and say so with the last lines of their consoles', async () => {
    const node = await nodeThat('silent', (_node, console) => console !== '');
    expect(node.state).toBe('unusable');
    expect(node.errors?.[0]?.code).toBe('NodePreparationError');
    expect(node.errors?.[0]?.message).toMatch(/did not report within 20 s.*reboot or reimage it/);
    expect(node.errors?.[0]?.errorDetails?.[0]?.value).toMatch(/\[ +\d+\.\d+\] /);
    const id = node.id ?? '';
    await waitFor(
      'the guest to have given up',
      async () => (await consoleOf('silent', id)).includes('Kernel panic'),
      { timeoutMs: 60_000, intervalMs: 500 },
    );
    expect((await client.pool.get('silent')).allocationState).toBe('steady');
    expect(domainsOf(folder.path).join()).toContain('silent');
  });

  it('are not even made of an image that is no qcow2 or lacks its base: their pools say what helps', async () => {
    const reasonOf = async (poolId: string) => {
      const { resizeErrors } = await waits(client).steady(poolId);
      expect(resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
      return resizeErrors?.[0]?.values?.[0]?.value ?? '';
    };
    expect(await reasonOf('text')).toMatch(/text\.qcow2 is not a qcow2 image.*qemu-img convert/);
    expect(await reasonOf('orphan')).toMatch(/base\.qcow2.*qemu-img convert/);
    expect(await client.computeNode.list('text')).toHaveLength(0);
  });

  it('keep nobody else waiting', async () => {
    await client.pool.add({ ...PROCESS_POOL, id: 'others', targetDedicatedNodes: 1 });
    await waits(client).nodes('others', 'idle');
  });

  it('are made again when they end, and what they wrote is told meanwhile', async () => {
    const ended = await nodeThat(
      'ending',
      ({ errors }, console) =>
        /ended before the agent in it reported/.test(errors?.[0]?.message ?? '') && console !== '',
    );
    expect(ended.errors?.[0]?.errorDetails?.[0]?.value).toContain("root disk can't be mounted");
    const again = await nodeThat(
      'ending',
      ({ lastBootTime }) => Number(lastBootTime) > Number(ended.lastBootTime),
    );
    expect(again.id).toBe(ended.id);
    expect(again.errors?.[0]?.code).toBe('NodePreparationError');
    const kept = await consoleOf('ending', ended.id ?? '', '?kept=true');
    expect(kept).toContain("root disk can't be mounted");
  });

  it('leave their pools when they are told to, and their console logs stay readable', async () => {
    const [node] = await client.computeNode.list('silent');
    const nodeId = node?.id ?? '';
    await client.pool.removeNodes('silent', { nodeList: [nodeId] });
    await waitFor('the node to be gone', async () => {
      return (await client.computeNode.list('silent')).length === 0;
    });
    expect(await consoleOf('silent', nodeId)).toMatch(/\[ +\d+\.\d+\] /);
    expect(await consoleOf('silent', 'no-such-node')).toBe('answered with 404');
    const pools = ['silent', 'ending', 'orphan', 'text'];
    for (const id of pools) await client.pool.deleteMethod(id);
    for (const id of pools)
      await waitFor('the pool to be gone', async () => !(await client.pool.exists(id)).body, {
        timeoutMs: 60_000,
      });
    expect(domainsOf(folder.path)).toEqual([]);
  });
});
