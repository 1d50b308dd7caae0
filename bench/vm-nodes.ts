import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { batchClient } from '../test/support/client.js';
import { ensureImage, ensureLibvirtd } from '../test/support/requirements.js';
import { signedRequest } from '../test/support/signed-request.js';
import { startController } from '../test/support/start-controller.js';
import { tempDirectory } from '../test/support/temp-dir.js';
import { waitFor } from '../test/support/wait-for.js';
import { destroyDomainsOf, domainsOf } from '../test/vm/domains.js';
import { FirstRequest } from './first-request.js';

/**
 * How long VM nodes take, beside a bare `virsh create` of the same guest: the same kernel, initial RAM
 * disk, agent disk and a fresh overlay over the same base. Everybody's guest makes its first request
 * through one port that this program listens on, in one run, the contestants in turning order.
 */
const options = new Command('node --import tsx bench/vm-nodes.ts')
  .option('--rounds <count>', 'rounds; each runs every contestant', '3')
  .option('--domain-type <type>', 'auto, kvm or qemu (software emulation)', 'auto')
  .option('--without-cloud', 'leave the unmodified cloud image out')
  .parse()
  .opts<{ rounds: string; domainType: string; withoutCloud?: boolean }>();

const LIMIT = { timeoutMs: 600_000, intervalMs: 50 };
const DEBIAN = { publisher: 'batchyard', offer: 'debian', sku: '12', version: 'latest' };
const CLOUD = { publisher: 'debian', offer: 'debian-12', sku: '12-cloud', version: 'latest' };

interface Measured {
  /** From the request (or the command) to the guest's first request, to `idle`, and the guest's processor time. */
  firstRequestS: number;
  idleS?: number;
  processorS: number;
}

const virsh = (...args: string[]) =>
  execFileSync('virsh', ['-c', 'qemu:///system', ...args], { encoding: 'utf8' });
const processorSeconds = (domain: string) =>
  Number(/cpu\.time=(\d+)/.exec(virsh('domstats', domain, '--cpu-total'))?.[1] ?? NaN) / 1e9;

const stopLibvirtd = ensureLibvirtd();
const manifests = [
  ensureImage(),
  ...(options.withoutCloud === true ? [] : [ensureImage({ kind: 'cloud' })]),
];
const folder = tempDirectory('vm-bench');
mkdirSync(folder.path, { recursive: true });
// QEMU's own user has to get to the disks.
chmodSync(folder.path, 0o711);
const first = await FirstRequest.listen();
const controller = await startController({
  configuration: {
    images: manifests.map((manifest) => ({ manifest })),
    hypervisors: [
      {
        ...{ name: 'bench', domainType: options.domainType },
        ...{ diskDirectory: join(folder.path, 'disks'), controllerUrl: first.url },
      },
    ],
  },
});
first.to(controller.url);
const client = batchClient(controller);

async function addPool(id: string, image: object, resumedNodes: boolean): Promise<void> {
  const body = {
    id,
    vmSize: 'batchyard_small',
    targetDedicatedNodes: 0,
    virtualMachineConfiguration: {
      imageReference: image,
      nodeAgentSKUId: 'batch.node.debian 12',
      ...(resumedNodes ? { resumedNodes } : {}),
    },
  };
  const { status, text } = await signedRequest(controller, 'POST', '/pools', {
    body: JSON.stringify(body),
  });
  if (status !== 201) throw new Error(text);
  await steady(id);
}

const steady = (id: string) =>
  waitFor(`pool ${id} to be steady`, async () => {
    const { allocationState, resizeErrors } = await client.pool.get(id);
    if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors[0]));
    return allocationState === 'steady';
  }, LIMIT); // prettier-ignore

/** One node from nothing to idle, and away again. `look`: while it runs. */
async function node(id: string, look?: (domain: string) => void): Promise<Measured> {
  const firstRequest = first.next();
  const started = performance.now();
  await client.pool.resize(id, { targetDedicatedNodes: 1 });
  await waitFor(`the node of ${id} to be idle`, async () => {
    const [found] = await client.computeNode.list(id);
    if (found?.errors?.[0] !== undefined) throw new Error(JSON.stringify(found.errors[0]));
    return found?.state === 'idle';
  }, LIMIT); // prettier-ignore
  const idleS = (performance.now() - started) / 1000;
  const [domain = ''] = domainsOf(folder.path);
  const processorS = processorSeconds(domain);
  look?.(domain);
  await steady(id);
  await client.pool.resize(id, { targetDedicatedNodes: 0 });
  await waitFor('the VM to go', () => domainsOf(folder.path).length === 0, LIMIT);
  await steady(id);
  return { firstRequestS: ((await firstRequest) - started) / 1000, idleS, processorS };
}

/** The domain of a node, made into one that nobody owns, with a disk and a seed of its own. */
function bareDomain(xml: string): () => Promise<Measured> {
  const place = join(folder.path, 'bare');
  mkdirSync(place);
  chmodSync(place, 0o711);
  const disk = /<source file='([^']*disk\.qcow2)'/.exec(xml)?.[1] ?? '';
  const nodeFolder = disk.slice(0, disk.lastIndexOf('/'));
  const base = JSON.parse(execFileSync('qemu-img', ['info', '-U', '--output=json', disk]).toString()) as {
    'full-backing-filename': string;
    'virtual-size': number;
  }; // prettier-ignore
  const seed = readFileSync(join(nodeFolder, 'seed.json'), 'utf8');
  const own = xml
    .replaceAll(nodeFolder, place)
    .replace(/<name>[^<]*<\/name>/, '<name>bench-bare</name>')
    .replace(/<uuid>[^<]*<\/uuid>/, '')
    .replace(/<metadata>[\s\S]*<\/metadata>/, '')
    .replace(/<seclabel type='dynamic'[\s\S]*?<\/seclabel>/g, '')
    .replace(/<backingStore[\s\S]*<\/backingStore>|<backingStore\/>/, '')
    .replace(/<domain type='(\w+)' id='\d+'/, "<domain type='$1'");
  writeFileSync(join(place, 'domain.xml'), own);
  return async () => {
    const overlay = ['-f', 'qcow2', '-F', 'qcow2', '-b', base['full-backing-filename']];
    const size = String(base['virtual-size']);
    execFileSync('qemu-img', ['create', '-q', ...overlay, join(place, 'disk.qcow2'), size]);
    writeFileSync(join(place, 'seed.json'), seed, { mode: 0o600 });
    const firstRequest = first.next();
    const started = performance.now();
    virsh('create', join(place, 'domain.xml'));
    const firstRequestS = ((await firstRequest) - started) / 1000;
    const processorS = processorSeconds('bench-bare');
    virsh('destroy', 'bench-bare');
    return { firstRequestS, processorS };
  };
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const range = (values: readonly number[], digits = 1) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

try {
  await addPool('boot', DEBIAN, false);
  await addPool('resumed', DEBIAN, true);
  let xml = '';
  let bare: (() => Promise<Measured>) | undefined;
  // Not counted: publishes images, makes the agent disk, finds the domain type.
  await node('boot', (domain) => {
    xml = virsh('dumpxml', domain);
    bare = bareDomain(xml);
  });
  if (bare === undefined) throw new Error('no node to make a bare domain of');
  const templateS = (await node('resumed')).idleS ?? NaN;
  const contestants: [string, () => Promise<Measured>][] = [
    ['bare virsh create', bare],
    ['Batchyard, booted', () => node('boot')],
    ['Batchyard, resumed', () => node('resumed')],
  ];
  if (options.withoutCloud !== true) {
    await addPool('cloud', CLOUD, false);
    // Not counted either: publishes this image, and makes its NoCloud disk.
    await node('cloud');
    contestants.push(['Batchyard, unmodified cloud image', () => node('cloud')]);
  }
  const runs = new Map<string, Measured[]>(contestants.map(([name]) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const [name, run] of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const measured = await run();
      runs.get(name)?.push(measured);
      console.error(`round ${String(round + 1)}: ${name} ${JSON.stringify(measured)}`);
      await pause(500);
    }
  const peers = runs.get('bare virsh create')?.map(({ firstRequestS }) => firstRequestS) ?? [];
  const type = /<domain type='(\w+)'/.exec(xml)?.[1] ?? '?';
  console.log(
    `2 vCPUs, 512 MiB, ${type}; ${options.rounds} rounds; seconds, median (range); the template of resumed nodes took ${templateS.toFixed(1)} s once\n`,
  );
  console.log('| guest | to its first request | beside bare | to idle | beside bare | processor time of the guest |\n|---|---|---|---|---|---|'); // prettier-ignore
  for (const [name, measured] of runs) {
    const requests = measured.map(({ firstRequestS }) => firstRequestS);
    const idles = measured.flatMap(({ idleS }) => idleS ?? []);
    const beside = (values: readonly number[]) =>
      range(
        values.map((value, at) => value / (peers[at] ?? NaN)),
        2,
      );
    const idle = idles.length === 0 ? '– | –' : `${range(idles)} | ${beside(idles)}`;
    const processor = range(measured.map(({ processorS }) => processorS));
    console.log(`| ${name} | ${range(requests)} | ${beside(requests)} | ${idle} | ${processor} |`);
  }
} finally {
  destroyDomainsOf(folder.path);
  await controller.stop();
  await first.close();
  stopLibvirtd();
  folder.remove();
}
