import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { sh } from '../support/process-pool.js';
import { libvirtRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { domainsOf, filesOf } from './domains.js';
import { VmController } from './vm-controller.js';

/** Half a minute on an idle machine under emulation; a multiple on a busy one. */
const BOOT_TIMEOUT_MS = 280_000;

const libvirt = await libvirtRequirement();

suite('a pool of an image that nothing was added to', [libvirt], () => {
  let vms: VmController;
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    vms = await VmController.start('vm-cloud', { image: { kind: 'cloud' }, domainType: 'qemu' });
    ({ controller } = vms);
    client = batchClient(controller);
  }, 300_000);

  afterAll(() => vms.stop(), 60_000);

  it('boots by its own boot loader, and its cloud-init starts the agent from the shared disk', async () => {
    await client.pool.add({
      id: 'cloud',
      vmSize: 'batchyard_small',
      targetDedicatedNodes: 1,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'debian', offer: 'debian-12', sku: '12-cloud' },
        nodeAgentSKUId: 'batch.node.debian 12',
      },
    });
    await client.job.add({ id: 'work', poolInfo: { poolId: 'cloud' } });
    // What the first stage of cloud-init makes is there before the network is, and so before any task.
    const look = 'ls /etc/ssh/*_key; cat /proc/[0-9]*/cmdline | tr "\\0" " "';
    await client.task.add('work', { id: 'who', commandLine: sh(look) });
    const task = await waitFor(
      'the task to complete',
      async () => {
        const { resizeErrors } = await client.pool.get('cloud');
        if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors[0]));
        const seen = await client.task.get('work', 'who');
        return seen.state === 'completed' ? seen : undefined;
      },
      { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 250 },
    ).catch(vms.explain);
    expect(task.executionInfo?.exitCode).toBe(0);
    const said = await signedRequest(controller, 'GET', '/jobs/work/tasks/who/files/stdout.txt');
    expect(said.text).toContain('/etc/ssh/ssh_host_ed25519_key\n');
    expect(said.text).toContain('/run/batchyard/disk/start.cjs ');
    expect(filesOf(vms.disks).filter((file) => /\.(iso|raw)$/.test(file))).toEqual([]);
    await client.pool.deleteMethod('cloud');
    await waitFor('the pool to be gone', async () => !(await client.pool.exists('cloud')).body, {
      timeoutMs: 60_000,
    });
    expect(domainsOf(vms.folder)).toEqual([]);
  });
});
