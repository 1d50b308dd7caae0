import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { Stack } from '../provider/pulumi-stack.js';
import { batchClient } from '../support/client.js';
import { libvirtRequirement, requirement, suite } from '../support/requirements.js';
import { type StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { domainsOf } from './domains.js';
import { VmController } from './vm-controller.js';
const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);
const libvirt = await libvirtRequirement();

suite('examples/libvirt-pool with the real Pulumi CLI', [pulumiCli, libvirt], () => {
  let vms: VmController;
  let controller: StartedController;
  let stack: Stack;

  beforeAll(async () => {
    vms = await VmController.start('vm-example');
    ({ controller } = vms);
    const environment = {
      BATCHYARD_ENDPOINT: controller.url,
      BATCHYARD_ADMIN_TOKEN: controller.adminToken,
      PULUMI_NODEJS_TRANSPILE_ONLY: 'true',
    };
    const project = join(import.meta.dirname, '../../examples/libvirt-pool');
    stack = new Stack(binaries ?? '', join(vms.folder, 'stack'), environment, project);
    await stack.init();
    await stack.set('nodes', '1');
  });
  afterAll(() => vms.stop(), 60_000);

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
    expect(domainsOf(vms.folder)).toHaveLength(1);
    const file = await batch.file.getFromTask(String(jobId), 'look', 'stdout.txt');
    let text = '';
    for await (const chunk of file.readableStreamBody ?? []) text += String(chunk);
    expect(text).toMatch(/ID=debian/);
    const destroy = await stack.run('destroy');
    expect(destroy.code, destroy.text).toBe(0);
    await waitFor('the VM to go', () => domainsOf(vms.folder).length === 0, {
      timeoutMs: 60_000,
    });
  });
});
