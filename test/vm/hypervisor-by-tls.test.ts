import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LibvirtNodeProvider } from '../../controller/effects/nodes/libvirt/libvirt-provider.js';
import { checkDisk } from '../../controller/effects/nodes/libvirt/qcow2.js';
import { nodeProviderContract, specification } from '../contract/node-provider.js';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL } from '../support/process-pool.js';
import { POOL, RemoteHypervisor, remoteRequirement } from '../support/remote-hypervisor.js';
import { libvirtRequirement, suite } from '../support/requirements.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const POOL_MIB = 512;
/** Less than the disk with the agent takes. */
const TOO_LITTLE_MIB = 20;
/** What a guest may write before the pool is full: soon. */
const TOO_MUCH_MIB = 8;
const PATIENT = { timeoutMs: 120_000, intervalMs: 100 };
const TEST_MS = 300_000;
const needs = [await libvirtRequirement(), await remoteRequirement()];

/**
 * A boot sector that writes its disk from the first sector to the last, 63 KiB at a time: by the BIOS's
 * function 0x43, with the packet below it counting up.
 */
function writingGuest(): Buffer {
  const sector = Buffer.alloc(512);
  const packet = 0x7c40;
  sector.set(Buffer.from('fa31c08ed88ec08ed0bc007c', 'hex')); // cli; ds = es = ss = 0; sp = 0x7c00
  const loop = 'be407cb80043b280cd13668306487c7eebee'; // si = packet; ax = 0x4300; dl = 0x80; int 0x13; [packet + 8] += 126; loop
  sector.set(Buffer.from(loop, 'hex'), 12);
  sector.set(Buffer.from('10007e00007c0000', 'hex'), packet - 0x7c00); // 126 sectors from 0:0x7c00
  sector.write('55aa', 510, 'hex');
  return Buffer.concat([sector, Buffer.alloc(2047 * 512)]);
}

/** Guests with an empty disk: they never call home, which is all that is needed to place, send, make and remove. */
suite('VM nodes on another machine, by TLS and without a shared folder', needs, () => {
  const folder = tempDirectory('vm-tls');
  const at = (name: string) => join(folder.path, name);
  let remote: RemoteHypervisor;
  let controller: StartedController;
  let client: BatchServiceClient;
  const image = (sku: string, file = `${sku}.qcow2`) => ({
    ...{ publisher: 'test', offer: 'guest', sku, version: '1.0', nodeAgentSkuId: 'none' },
    ...{ provider: 'libvirt', path: at(file) },
  });
  const hypervisor = () => ({
    ...{ name: 'far', uri: remote.uri, domainType: 'qemu' as const, storagePool: POOL },
    ...{ capacity: { diskGiB: 100 }, network: 'user', controllerUrl: 'http://10.0.2.2:1' },
  });
  const configuration = () => ({
    images: ['empty', 'text', 'missing', 'overlay', 'writing'].map((sku) => image(sku)),
    vmSizes: [{ name: 'smallest', vcpus: 1, memoryMiB: 64, diskGiB: 1 }],
    hypervisors: [hypervisor()],
  });
  const pool = (id: string, sku = 'empty') => ({
    id,
    vmSize: 'smallest',
    targetDedicatedNodes: 1,
    virtualMachineConfiguration: {
      imageReference: { publisher: 'test', offer: 'guest', sku, version: 'latest' },
      nodeAgentSKUId: 'none',
      dataDisks: [{ lun: 1, diskSizeGB: 1 }],
    },
  });
  const steady = (id: string, of = client) =>
    waitFor(
      `pool ${id} to be steady`,
      async () => {
        const seen = await of.pool.get(id);
        return seen.allocationState === 'steady' && seen;
      },
      PATIENT,
    );
  const started = (id: string, count: number, of = client) =>
    waitFor(
      `${String(count)} nodes of ${id} to be started`,
      async () => {
        const nodes = await of.computeNode.list(id);
        return nodes.length === count && nodes.every(({ state }) => state === 'starting');
      },
      PATIENT,
    );
  const resize = async (id: string, targetDedicatedNodes: number) => {
    await client.pool.resize(id, { targetDedicatedNodes });
    return steady(id);
  };
  const reason = ({ resizeErrors }: Awaited<ReturnType<typeof steady>>) =>
    resizeErrors?.[0]?.values?.[0]?.value ?? '';
  const gone = async (id: string, of = client) => {
    await of.pool.deleteMethod(id);
    await waitFor(`pool ${id} to be gone`, async () => !(await of.pool.exists(id)).body, PATIENT);
  };
  const names = (part: RegExp) => [...remote.files().keys()].filter((name) => part.test(name));
  const timesSent = () => controller.logs().split('a file of nodes was sent').length - 1;

  beforeAll(async () => {
    const qemuImg = (...args: string[]) => execFileSync('qemu-img', ['create', '-q', ...args]);
    qemuImg('-f', 'qcow2', at('empty.qcow2'), '1M');
    qemuImg('-f', 'qcow2', at('base.qcow2'), '1M');
    qemuImg('-f', 'qcow2', '-F', 'qcow2', '-b', at('base.qcow2'), at('overlay.qcow2'));
    rmSync(at('base.qcow2'));
    writeFileSync(at('writing.raw'), writingGuest());
    execFileSync('qemu-img', ['convert', '-O', 'qcow2', at('writing.raw'), at('writing.qcow2')]);
    writeFileSync(at('text.qcow2'), 'this is no disk, but a text of some length');
    remote = await RemoteHypervisor.start(folder.path, 'tls', POOL_MIB);
    controller = await startController({ configuration: configuration() });
    client = batchClient(controller);
  }, 120_000);
  afterAll(async () => {
    await controller.stop();
    await remote.stop();
    folder.remove();
  }, 60_000);

  it.each([
    ['text', /text\.qcow2 is not a qcow2 image; convert it with: qemu-img convert/],
    ['missing', /missing\.qcow2 can't be opened: ENOENT/],
    ['overlay', /overlay\.qcow2 stands on another file, .*base\.qcow2, .* qemu-img convert/],
  ])('are not made of an image that is none (%s): the pool says why', async (sku, words) => {
    await client.pool.add(pool(sku, sku));
    expect(reason(await steady(sku))).toMatch(words);
    await gone(sku);
    expect(names(/\.node\./)).toEqual([]);
  });

  it(
    'are not made in a full storage pool: it says how full, others go on, and there is room again',
    async () => {
      remote.fill(TOO_LITTLE_MIB);
      await client.pool.add(pool('full'));
      const said = reason(await steady('full'));
      expect(said).toContain(`storage pool "${POOL}" (${remote.poolFolder}) is full: `);
      expect(said).toMatch(/: \d+ of 512 MiB are free; make room there .* set `storagePool`/);
      expect(names(/agent|\.node\./)).toEqual([]);
      await client.pool.add({ ...PROCESS_POOL, id: 'processes', targetDedicatedNodes: 1 });
      await waitFor(
        'a node that is no VM',
        async () => (await client.computeNode.list('processes'))[0]?.state === 'idle',
        PATIENT,
      );
      remote.makeRoom();
      await resize('full', 1);
      await started('full', 1);

      // Full when all has been sent: not even an empty disk fits.
      remote.fill(0);
      const before = remote.domains();
      expect(reason(await resize('full', 2))).toMatch(/No space left.* is full: 0 of 512 MiB/);
      expect(remote.domains()).toEqual(before);
      remote.makeRoom();
      await resize('full', 2);
      await started('full', 2);
      expect(remote.domains()).toHaveLength(2);
      expect(existsSync(remote.poolFolder)).toBe(false);
    },
    TEST_MS,
  );

  it(
    'are made of whole files only: one that was not sent to its end is sent again',
    async () => {
      const [disk = ''] = names(/\.whole\..*agent.*iso$/);
      remote.virsh('vol-delete', '--pool', POOL, disk);
      await controller.restart();
      const before = timesSent();
      await resize('full', 3);
      await started('full', 3);
      expect(timesSent() - before).toBe(1);
      expect(names(/\.whole\..*agent.*iso$/)).toEqual([disk]);
    },
    TEST_MS,
  );

  it(
    'come again after a file that they stand on was lost there',
    async () => {
      const [file = ''] = names(/\.file\..*empty\.qcow2$/);
      remote.virsh('vol-delete', '--pool', POOL, file);
      expect(reason(await resize('full', 4))).toMatch(/backing store.*put there again/);
      await resize('full', 4);
      await started('full', 4);
      expect(names(/\.file\..*empty\.qcow2$/)).toEqual([file]);
    },
    TEST_MS,
  );

  it(
    'are made and removed beside those of another controller',
    async () => {
      const mine = [...remote.files().keys()].sort();
      const domains = remote.domains();
      const second = await startController({ configuration: configuration() });
      try {
        const others = batchClient(second);
        await others.pool.add(pool('full'));
        await started('full', 1, others);
        expect(remote.domains()).toHaveLength(domains.length + 1);
        await gone('full', others);
      } finally {
        await second.stop();
      }
      expect(remote.domains()).toEqual(domains);
      expect([...remote.files().keys()]).toEqual(expect.arrayContaining(mine));
      await gone('full');
      expect(remote.domains()).toEqual([]);
      expect(names(/\.node\./)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'that fill the storage pool stand still and say why, and are started again when there is room',
    async () => {
      remote.fill(TOO_MUCH_MIB);
      await client.pool.add({ ...pool('writing', 'writing'), vmSize: 'smallest' });
      const stalled = async () => {
        const [node] = await client.computeNode.list('writing');
        return node?.errors?.find(({ code }) => code === 'StorageFull');
      };
      const error = await waitFor('the node to say why', stalled, PATIENT);
      expect(error.message).toMatch(/storage pool "nodes" .* is full \(\d+ of 512 MiB are free\)/);
      const [before = ''] = remote.domains();
      remote.makeRoom();
      await waitFor('another start of the node', () => remote.domains()[0] !== before, PATIENT);
      await gone('writing');
      expect(remote.domains()).toEqual([]);
    },
    TEST_MS,
  );

  const provider = (images: ReturnType<typeof image>[], where: object = {}) =>
    new LibvirtNodeProvider([{ ...hypervisor(), ...where }], {
      controllerId: folder.path,
      dataDirectory: at('contract'),
      images,
      agent: { node: process.execPath, bundle: join(import.meta.dirname, '../../dist/agent.mjs') },
      volumeListMaxAgeMs: 0,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
  const embedded = specification('any').image;

  describe('their provider', () => {
    nodeProviderContract(
      () => Promise.resolve(provider([{ ...image('empty'), ...embedded }])),
      () => Promise.resolve(),
    );

    it(
      'takes away what no image and no node needs any more before it sends something new',
      async () => {
        execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at('next.qcow2'), '2M']);
        const next = provider([{ ...image('next'), ...embedded }]);
        await next.create(specification('three'));
        expect(names(/\.(file|whole)\..*next\.qcow2$/)).toHaveLength(2);
        // That of the controller before is still there.
        expect(names(/\.(file|whole)\..*empty\.qcow2$/)).toHaveLength(4);
        await next.destroy(specification('three').nodeKey, 'remove');
        await next.close();
      },
      TEST_MS,
    );

    it('says which storage pools there are where the named one is not', async () => {
      const wrong = provider([], { storagePool: 'nowhere' });
      const { hypervisors } = await wrong.list();
      expect(hypervisors[0]?.reason).toContain(
        `no storage pool "nowhere" (there are: ${POOL}); make it there with: virsh pool-define-as`,
      );
      await wrong.close();
    });
  });

  it('are not made in a full folder that both machines have either: it says how full', async () => {
    const small = at('small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small]);
    const host = provider([{ ...image('empty'), ...embedded }], {
      storagePool: undefined,
      diskDirectory: small,
    });
    try {
      await expect(host.create(specification('four'))).rejects.toThrow(
        /the file system of .*small is full: \d of 8 MiB are free; make room .*`diskDirectory`/,
      );
    } finally {
      await host.close();
      execFileSync('umount', [small]);
    }
  });

  it('may stand on another file on this machine, as long as that is there', async () => {
    await expect(checkDisk(at('overlay.qcow2'), false)).rejects.toThrow(
      /base\.qcow2, which is not/,
    );
    await expect(checkDisk(at('empty.qcow2'), false)).resolves.toBe(1024 ** 2);
  });
});
