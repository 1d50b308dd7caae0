import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { Stack } from '../provider/pulumi-stack.js';
import { batchClient } from '../support/client.js';
import {
  ensureImage,
  ensureLibvirtd,
  libvirtRequirement,
  requirement,
  suite,
} from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { destroyDomainsOf, domainsOf } from './domains.js';
const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);
const libvirt = await libvirtRequirement();

suite('examples/libvirt-pool with the real Pulumi CLI', [pulumiCli, libvirt], () => {
  const folder = tempDirectory('vm-example');
  let stopLibvirtd: () => void = () => undefined;
  let controller: StartedController;
  let stack: Stack;

  beforeAll(async () => {
    stopLibvirtd = ensureLibvirtd();
    const manifest = ensureImage();
    // QEMU's own user has to get to the disks.
    chmodSync(folder.path, 0o711);
    controller = await startController({
      configuration: {
        images: [{ manifest }],
        hypervisors: [{ name: 'test', diskDirectory: join(folder.path, 'disks') }],
      },
    });
    const environment = {
      BATCHYARD_ENDPOINT: controller.url,
      BATCHYARD_ADMIN_TOKEN: controller.adminToken,
      PULUMI_NODEJS_TRANSPILE_ONLY: 'true',
    };
    const project = join(import.meta.dirname, '../../examples/libvirt-pool');
    stack = new Stack(binaries ?? '', join(folder.path, 'stack'), environment, project);
    await stack.init();
    await stack.set('nodes', '1');
  });
  afterAll(async () => {
    destroyDomainsOf(folder.path);
    await controller.stop();
    stopLibvirtd();
    folder.remove();
  }, 60_000);

  it('makes a VM, runs its task on it, and takes the VM away again', async () => {
    const up = await stack.run('up');
    expect(up.code, up.text).toBe(0);
    const { accountName, accountKey, jobId } = await stack.outputs();
    const { url } = controller;
    const batch = batchClient({ url, account: String(accountName), key: String(accountKey) });
    await waitFor(
      'the job to complete',
      async () => (await batch.job.get(String(jobId))).state === 'completed',
      { timeoutMs: 200_000, intervalMs: 500 },
    );
    expect(domainsOf(folder.path)).toHaveLength(1);
    const file = await batch.file.getFromTask(String(jobId), 'look', 'stdout.txt');
    let text = '';
    for await (const chunk of file.readableStreamBody ?? []) text += String(chunk);
    expect(text).toMatch(/ID=debian/);
    const destroy = await stack.run('destroy');
    expect(destroy.code, destroy.text).toBe(0);
    await waitFor('the VM to go', () => domainsOf(folder.path).length === 0, {
      timeoutMs: 60_000,
    });
  });
});
