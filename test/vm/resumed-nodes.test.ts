import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { sh } from '../support/process-pool.js';
import { libvirtRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { domainsOf, filesOf, killGuests } from './domains.js';
import { VmController } from './vm-controller.js';

const BOOT_TIMEOUT_MS = 280_000;
const POOL = {
  id: 'resumed',
  vmSize: 'batchyard_small',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12', version: 'latest' },
    nodeAgentSKUId: 'batch.node.debian 12',
    resumedNodes: true,
  },
};
/** All that two guests of one memory image might have in common and must not. */
const WHO = sh('cat /etc/machine-id; head -c 16 /dev/urandom | od -An -tx1; date +%s');

const libvirt = await libvirtRequirement();

suite('a pool of resumed libvirt VMs', [libvirt], () => {
  let vms: VmController;
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    vms = await VmController.start('vm-resumed', { domainType: 'qemu' });
    ({ controller } = vms);
    client = batchClient(controller);
  }, 300_000);

  afterAll(() => vms.stop(), 60_000);

  /** Milliseconds until that many nodes are idle. */
  async function idle(count: number): Promise<number> {
    const started = Date.now();
    await waitFor(
      `${String(count)} nodes to be idle`,
      async () => {
        const { resizeErrors } = await client.pool.get(POOL.id);
        if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors[0]));
        const nodes = await client.computeNode.list(POOL.id);
        return nodes.length === count && nodes.every(({ state }) => state === 'idle');
      },
      { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 50 },
    ).catch(vms.explain);
    return Date.now() - started;
  }

  async function resize(count: number): Promise<number> {
    await client.pool.resize(POOL.id, { targetDedicatedNodes: count });
    return idle(count);
  }

  const templates = () =>
    readdirSync(join(vms.disks, 'templates'), { recursive: true, encoding: 'utf8' });
  const memoryFile = () => {
    const found = templates().find((entry) => entry.endsWith('memory.save'));
    if (found === undefined) throw new Error(`no memory image among ${templates().join(', ')}`);
    return join(vms.disks, 'templates', found);
  };

  let bootMs = 0;
  it('boots a template, saves it, and lets its first node go on from there', async () => {
    const answer = await signedRequest(controller, 'POST', '/pools', {
      body: JSON.stringify({ ...POOL, targetDedicatedNodes: 1 }),
    });
    expect(answer).toMatchObject({ status: 201 });
    bootMs = await idle(1);
    expect(statSync(memoryFile()).mode & 0o777).toBe(0o600);
    expect(domainsOf(vms.folder)).toHaveLength(1);
    const pool = await signedRequest(controller, 'GET', `/pools/${POOL.id}`);
    expect(JSON.parse(pool.text)).toMatchObject({
      virtualMachineConfiguration: { resumedNodes: true },
    });
  });

  it('has a second node idle in a fraction of the time of a boot', async () => {
    const resumeMs = await resize(2);
    process.stderr.write(`boot and save ${String(bootMs)} ms, resume ${String(resumeMs)} ms\n`);
    expect(resumeMs / bootMs).toBeLessThan(0.5);
  });

  it('gives each node a machine id, random numbers and a clock of its own', async () => {
    await client.job.add({ id: 'who', poolInfo: { poolId: POOL.id } });
    const nodes = await client.computeNode.list(POOL.id);
    const seen = await Promise.all(
      nodes.map(async ({ affinityId }, at) => {
        const id = `on-${String(at)}`;
        await client.task.add('who', {
          id,
          commandLine: WHO,
          ...(affinityId === undefined ? {} : { affinityInfo: { affinityId } }),
        });
        const task = await waitFor(
          'a task to complete',
          async () => {
            const got = await client.task.get('who', id);
            return got.state === 'completed' ? got : undefined;
          },
          { timeoutMs: 60_000 },
        );
        const { readableStreamBody } = await client.file.getFromTask('who', id, 'stdout.txt');
        let text = '';
        for await (const part of readableStreamBody ?? []) text += String(part);
        const [machine, random, seconds] = text.split('\n');
        return { node: task.nodeInfo?.nodeId, machine, random, seconds };
      }),
    );
    expect(new Set(seen.map(({ node }) => node)).size).toBe(2);
    expect(new Set(seen.map(({ machine }) => machine)).size).toBe(2);
    expect(new Set(seen.map(({ random }) => random)).size).toBe(2);
    // The guests' clocks stood still while their image lay on the disk.
    const hostSeconds = Date.now() / 1000;
    for (const { seconds } of seen)
      expect(Math.abs(Number(seconds) - hostSeconds)).toBeLessThan(30);
  });

  it('gives each node an ssh host key of its own', async () => {
    const nodes = await client.computeNode.list(POOL.id);
    const keys = await Promise.all(
      nodes.map(async ({ id = '' }) => {
        const { remoteLoginPort } = await client.computeNode.getRemoteLoginSettings(POOL.id, id);
        const keyscan = ['-T', '60', '-t', 'ed25519', '-p', String(remoteLoginPort), '127.0.0.1'];
        // The first connection makes the key, and may be given up meanwhile.
        return waitFor(
          'the host key of a node',
          async () => {
            const said = await promisify(execFile)('ssh-keyscan', keyscan).catch(() => undefined);
            return /ssh-ed25519 (\S+)/.exec(said?.stdout ?? '')?.[1];
          },
          { timeoutMs: 120_000, intervalMs: 500 },
        );
      }),
    );
    expect(new Set(keys).size).toBe(2);
  });

  /** A task beside the others, on this node where it is free. */
  async function run(id: string, affinityId = '', script = '', state = 'completed') {
    await client.task.add('who', { id, commandLine: sh(script), affinityInfo: { affinityId } });
    return waitFor(
      `task ${id} to be ${state}`,
      async () => {
        const task = await client.task.get('who', id);
        return task.state === state && task;
      },
      { timeoutMs: 60_000 },
    );
  }

  it('reimages a node from the memory image, on a disk that nobody has written on', async () => {
    const [first] = await client.computeNode.list(POOL.id);
    const mark = '$AZ_BATCH_NODE_SHARED_DIR/mark';
    const marked = await run('mark', first?.affinityId, `touch ${mark}`);
    expect(marked.nodeInfo?.nodeId).toBe(first?.id);
    await client.computeNode.reimage(POOL.id, first?.id ?? '', {});
    await waitFor('the node to leave', async () => {
      const { state } = await client.computeNode.get(POOL.id, first?.id ?? '');
      return state !== 'idle';
    });
    const reimageMs = await idle(2);
    expect(reimageMs / bootMs).toBeLessThan(0.5);
    const looked = await run('look', first?.affinityId, `! test -e ${mark}`);
    expect(looked.nodeInfo?.nodeId).toBe(first?.id);
    expect(looked.executionInfo?.exitCode).toBe(0);
  });

  it('has a guest that crashed made again as the same node, and its task run elsewhere, within seconds', async () => {
    const nodes = await client.computeNode.list(POOL.id);
    const [first] = nodes;
    const task = await run('long', first?.affinityId, 'sleep 600', 'running');
    const crashed = task.nodeInfo?.nodeId ?? '';
    const started = Date.now();
    killGuests(crashed);
    await waitFor(
      'the task to run on the other node',
      async () => {
        const { state, nodeInfo } = await client.task.get('who', 'long');
        return state === 'running' && nodeInfo?.nodeId !== crashed;
      },
      { timeoutMs: 60_000 },
    );
    // The next look at its hypervisor is at most five seconds away.
    expect(Date.now() - started).toBeLessThan(25_000);
    await client.task.terminate('who', 'long');
    await idle(2);
    const after = await client.computeNode.list(POOL.id);
    expect(after.map(({ id }) => id).sort()).toEqual(nodes.map(({ id }) => id).sort());
  });

  it('boots a node when the memory image is broken', async () => {
    truncateSync(memoryFile(), 1000);
    await resize(1);
    await resize(2);
    expect(controller.logs()).toContain('could not be resumed');
    // The other node stands on the template's disk still: the next image is made beside it.
    expect(templates().filter((entry) => entry.endsWith('disk.qcow2'))).toHaveLength(1);
  });

  it('leaves no guest and no file of a node when its pool is deleted', async () => {
    await client.pool.deleteMethod(POOL.id);
    await waitFor('the pool to be gone', async () => !(await client.pool.exists(POOL.id)).body, {
      timeoutMs: 60_000,
    });
    expect(domainsOf(vms.folder)).toEqual([]);
    expect(filesOf(vms.disks)).toEqual([]);
    const record = templates().find((entry) => entry.endsWith('template.json'));
    if (record !== undefined)
      expect(readFileSync(join(vms.disks, 'templates', record), 'utf8')).not.toMatch(
        /token|secret/,
      );
  });
});
