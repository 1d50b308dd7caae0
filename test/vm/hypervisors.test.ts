import { execFileSync, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { waits } from '../support/process-pool.js';
import { libvirtRequirement, requirement, suite } from '../support/requirements.js';
import { SecondLibvirtd } from '../support/second-libvirtd.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController, StartOptions } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { filesOf } from './domains.js';

const KILLS = 10;
const needs = [
  await libvirtRequirement(),
  await requirement(
    'mount namespaces',
    () => spawnSync('unshare', ['-m', 'true']).status === 0,
    'run the tests as root, in a container with CAP_SYS_ADMIN',
  ),
];

/** Guests with an empty disk: they never call home, which is all that is needed to place and count them. */
suite('VM nodes on two hypervisors', needs, () => {
  const folder = tempDirectory('hypervisors');
  const at = (...names: string[]) => join(folder.path, ...names);
  const names = ['one', 'two'] as const;
  const libvirtds = new Map<string, SecondLibvirtd>();
  let controller: StartedController;
  let client: BatchServiceClient;
  let until: ReturnType<typeof waits>;
  const libvirtd = (name: string) => {
    const found = libvirtds.get(name);
    if (found === undefined) throw new Error(`no libvirtd ${name}`);
    return found;
  };
  const domains = () => names.map((name) => libvirtd(name).domains().length);
  const files = () => names.flatMap((name) => filesOf(at(`disks-${name}`)));
  const configuration = (): NonNullable<StartOptions['configuration']> => ({
    images: [
      {
        ...{ publisher: 'test', offer: 'empty', sku: 'disk', nodeAgentSkuId: 'none' },
        ...{ provider: 'libvirt', path: at('empty.qcow2') },
      },
    ],
    vmSizes: [{ name: 'smallest', vcpus: 1, memoryMiB: 64, diskGiB: 1 }],
    hypervisors: names.map((name) => ({
      ...{ name, uri: libvirtd(name).uri, domainType: 'qemu' },
      ...{ diskDirectory: at(`disks-${name}`), capacity: { vcpus: 3 } },
      overCommit: { vcpus: 1 },
      controllerUrl: 'http://10.0.2.2:1',
    })),
  });
  const pool = (id: string, targetDedicatedNodes: number) => ({
    id,
    vmSize: 'smallest',
    targetDedicatedNodes,
    virtualMachineConfiguration: {
      imageReference: { publisher: 'test', offer: 'empty', sku: 'disk', version: 'latest' },
      nodeAgentSKUId: 'none',
      nodePlacementConfiguration: { policy: 'zonal' as const },
      dataDisks: [{ lun: 1, diskSizeGB: 1 }],
    },
  });
  const nodesOf = async (id: string) => {
    const { text } = await signedRequest(controller, 'GET', `/pools/${id}/nodes`);
    return (JSON.parse(text) as { value: { id: string; hypervisor: string; errors?: object[] }[] })
      .value;
  };
  const gone = async (id: string) => {
    await client.pool.deleteMethod(id);
    await waitFor(`pool ${id} to be gone`, async () => !(await client.pool.exists(id)).body, {
      timeoutMs: 60_000,
    });
  };

  beforeAll(async () => {
    mkdirSync(folder.path, { recursive: true });
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at('empty.qcow2'), '1M']);
    for (const name of names)
      libvirtds.set(name, await SecondLibvirtd.start(at(`libvirtd-${name}`)));
    controller = await startController({ configuration: configuration() });
    client = batchClient(controller);
    until = waits(client);
  }, 120_000);
  afterAll(async () => {
    await controller.stop();
    for (const one of libvirtds.values()) await one.stop();
    folder.remove();
  });

  it('are spread over them, and refused beyond what both have', async () => {
    await client.pool.add(pool('spread', 4));
    await until.nodes('spread', 'starting', 4);
    expect(domains()).toEqual([2, 2]);
    expect((await nodesOf('spread')).map(({ hypervisor }) => hypervisor).sort()).toEqual([
      ...['one', 'one', 'two', 'two'],
    ]);
    expect(files().filter((file) => file.endsWith('data-1.qcow2'))).toHaveLength(4);
    await until.steady('spread');
    await client.pool.resize('spread', { targetDedicatedNodes: 7 });
    const { resizeErrors } = await until.steady('spread');
    expect(resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    expect(domains()).toEqual([3, 3]);
    await client.pool.resize('spread', { targetDedicatedNodes: 4 });
    await until.steady('spread');
  }, 60_000);

  it('that crash are noticed within seconds and made again as themselves', async () => {
    const [, crashed = ''] = libvirtd('one').domains()[0]?.split(' ') ?? [];
    libvirtd('one').virsh('destroy', crashed);
    await waitFor(
      'another domain under the same name',
      () =>
        libvirtd('one')
          .domains()
          .some((domain) => domain.endsWith(` ${crashed}`)),
      { timeoutMs: 15_000 },
    );
    expect(domains()).toEqual([2, 2]);
    await until.nodes('spread', 'starting', 4);
  }, 30_000);

  it('of one that disappears are known again when it comes back, not made twice', async () => {
    const before = libvirtd('two').domains();
    await libvirtd('two').disappear();
    await waitFor('its nodes to say so', async () => {
      const lost = (await nodesOf('spread')).filter(({ hypervisor }) => hypervisor === 'two');
      return lost.every(({ errors }) =>
        JSON.stringify(errors ?? []).includes('HypervisorUnreachable'),
      );
    });
    await client.pool.add(pool('other', 1));
    await until.nodes('other', 'starting', 1);
    expect((await nodesOf('other'))[0]?.hypervisor).toBe('one');
    await libvirtd('two').resume();
    await waitFor(
      'the errors to go',
      async () => !JSON.stringify(await nodesOf('spread')).includes('HypervisorUnreachable'),
      { timeoutMs: 60_000 },
    );
    expect(libvirtd('two').domains()).toEqual(before);
    await gone('other');
  }, 120_000);

  it('are made and removed beside those of another controller and domains of somebody else', async () => {
    const foreign = at('foreign.xml');
    writeFileSync(
      foreign,
      "<domain type='qemu'><name>batchyard-not-ours</name><memory unit='MiB'>16</memory>" +
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>",
    );
    libvirtd('one').virsh('create', foreign);
    const mine = domains();
    const second = await startController({ configuration: configuration() });
    try {
      const others = batchClient(second);
      await others.pool.add(pool('spread', 2));
      await waits(others).nodes('spread', 'starting', 2);
      expect(domains()).toEqual(mine.map((count) => count + 1));
      await others.pool.deleteMethod('spread');
      await waits(others).poolGone('spread');
      expect(domains()).toEqual(mine);
    } finally {
      await second.stop();
    }
    expect((await nodesOf('spread')).length).toBe(4);
  }, 60_000);

  it('leave nothing however often the controller dies while they are made and removed', async () => {
    const attempt = (request: () => Promise<unknown>) => request().catch(() => undefined);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const work = [
        attempt(() => client.pool.add(pool(`kill-${String(kill % 2)}`, 2))),
        attempt(() =>
          client.pool.deleteMethod(kill === 2 ? 'spread' : `kill-${String((kill + 1) % 2)}`),
        ),
      ];
      await delay(randomInt(100, 1_200));
      await controller.kill();
      await Promise.all(work);
      await controller.restart();
    }
    for (const id of ['spread', 'kill-0', 'kill-1'])
      await attempt(() => client.pool.deleteMethod(id));
    await waitFor('the pools to be gone', async () => (await client.pool.list()).length === 0, {
      timeoutMs: 120_000,
    });
    await waitFor('the last domain to go', () => domains().join() === '1,0');
    expect(libvirtd('one').domains()[0]).toContain('batchyard-not-ours');
    expect(files()).toEqual([]);
  }, 240_000);
});
