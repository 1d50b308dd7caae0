/**
 * The files of nodes on a hypervisor that shares no folder with this machine: volumes of one of its
 * storage pools, which libvirt makes and fills. P is `batchyard-{digest of the controller}`:
 *
 *   P.file.{digest}.{name}    base images, kernels and agent disks by content, sent once
 *   P.whole.{digest}.{name}   empty; made when that file was sent to its end: without it, it is none
 *   P.node.{account}.{pool}.{node}.disk.qcow2, seed.json, console.log, data-N.qcow2
 *   P.probe.…                 while the domain type is being found out
 *
 * Dots part the names: no id holds one.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { NodeKey } from '../../../../protocol/keys.js';
import type { Log } from '../../log.js';
import { NodeProvisionError } from '../provider.js';
import type { NodeConsole, NodeForward } from '../provider.js';
import type { DataDisk } from './devices.js';
import type { ProbeFiles } from './domain-type.js';
import { isMissing } from './folders.js';
import type { HostFiles } from './host-files.js';
import { sha256 } from './host-files.js';
import type { NodeFiles, NodePaths, NodePlan, Room } from './node-files.js';
import type { StoragePool, VolumePlan } from './storage-pool.js';
import { text } from './xml.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const PROGRESS_INTERVAL_MS = 5_000;
const NAME_MAX = 80;

export interface PoolFilesOptions {
  hypervisor: string;
  pool: StoragePool;
  prefix: string;
  /** Where files are made that are then sent. */
  workshop: HostFiles;
  /** Below it, what is remembered of nodes on this machine. */
  folder: string;
  /** Files of this machine that nodes may be made of: of others nothing is kept. */
  sources: () => readonly string[];
  /** What the domains of ours, and of whoever else, say of themselves. */
  domains: () => Promise<readonly string[]>;
  log: Log;
}

export class PoolFiles implements NodeFiles {
  private readonly published = new Map<string, Promise<string>>();
  /** The files in the pool that this run knows the source of. */
  private readonly sourceOf = new Map<string, string>();
  private readonly opened = new Map<NodeKey, readonly NodeForward[]>();
  /** Files that are on their way. */
  private readonly sending = new Set<string>();
  /** Sources that are not of the catalogue: the disks with the agent. */
  private readonly placed = new Set<string>();

  constructor(private readonly options: PoolFilesOptions) {}

  node(nodeKey: NodeKey): NodePaths {
    const path = (file: string) => this.options.pool.path(this.volume(nodeKey, file));
    return {
      disk: path('disk.qcow2'),
      seedFile: path('seed.json'),
      consoleLog: path('console.log'),
    };
  }

  publish(file: string): Promise<string> {
    let published = this.published.get(file);
    if (published === undefined) {
      published = this.sendOnce(file);
      this.published.set(file, published);
      published.catch(() => this.published.delete(file));
    }
    return published;
  }

  async place(make: (workshop: HostFiles) => Promise<string>): Promise<string> {
    const file = await make(this.options.workshop);
    this.placed.add(file);
    return this.publish(file);
  }

  async prepare(nodeKey: NodeKey, plan: NodePlan): Promise<void> {
    const { pool } = this.options;
    const has = (file: string) => plan.disk === 'keep' && pool.has(this.volume(nodeKey, file));
    const own = (file: string) => ({ name: this.volume(nodeKey, file), mode: '0600' as const });
    await pool.volumes();
    const seed = Buffer.from(plan.seed);
    const volumes: VolumePlan[] = [{ ...own('seed.json'), format: 'raw', bytes: seed.length }];
    if (!has('disk.qcow2')) volumes.push({ ...own('disk.qcow2'), ...overlay(plan) });
    for (const disk of plan.dataDisks)
      if (!has(dataDisk(disk)))
        volumes.push({ ...own(dataDisk(disk)), format: 'qcow2', bytes: disk.sizeGiB * GIB });
    if (!has('console.log')) volumes.push({ ...own('console.log'), format: 'raw', bytes: 0 });
    await pool.create(volumes, { content: [seed] });
  }

  async release(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    const { pool } = this.options;
    this.opened.delete(nodeKey);
    await rm(this.forwardsFile(nodeKey), { force: true });
    const start = this.volume(nodeKey, '');
    const own = [...(await pool.volumes())].filter((name) => name.startsWith(start));
    await pool.remove(disk === 'remove' ? own : own.filter((name) => name === `${start}seed.json`));
  }

  async list(): Promise<{ nodeKey: NodeKey; incarnation: number }[]> {
    const nodes = new Set<string>();
    const start = `${this.options.prefix}node.`;
    for (const name of await this.options.pool.volumes())
      if (name.startsWith(start)) nodes.add(name.slice(start.length).split('.', 3).join('/'));
    return [...nodes].map((node) => ({ nodeKey: node as NodeKey, incarnation: 0 }));
  }

  async writeForwards(nodeKey: NodeKey, forwards: readonly NodeForward[]): Promise<void> {
    this.opened.set(nodeKey, forwards);
    await mkdir(join(this.options.folder, 'forwards'), { recursive: true, mode: 0o700 });
    await writeFile(this.forwardsFile(nodeKey), JSON.stringify(forwards));
  }

  async forwards(nodeKey: NodeKey): Promise<readonly NodeForward[] | undefined> {
    const known = this.opened.get(nodeKey);
    if (known !== undefined) return known;
    try {
      const read = JSON.parse(await readFile(this.forwardsFile(nodeKey), 'utf8')) as NodeForward[];
      this.opened.set(nodeKey, read);
      return read;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async console(nodeKey: NodeKey, bytesMax: number): Promise<NodeConsole | undefined> {
    const { pool } = this.options;
    const name = this.volume(nodeKey, 'console.log');
    if (!(await pool.volumes()).has(name)) return undefined;
    const read = await pool.read(name);
    const skipped = Math.max(0, read.length - bytesMax);
    return { text: read.subarray(skipped), skipped };
  }

  async room(now?: 'now'): Promise<Room> {
    const { pool } = this.options;
    const { bytes, freeBytes } = await pool.room(now);
    const what = `storage pool "${pool.name}" (${pool.folder})`;
    return { what, setting: 'storagePool', bytes, freeBytes };
  }

  probeFiles(): Promise<ProbeFiles & { close(): Promise<void> }> {
    const { pool, prefix } = this.options;
    const volume = (name: string) => `${prefix}probe.${name}`;
    const write = async (name: string, content: Buffer) => {
      const plan = { format: 'raw', bytes: content.length, mode: '0600' } as const;
      await pool.create([{ name: volume(name), ...plan }], { content: [content] });
      return pool.path(volume(name));
    };
    return Promise.resolve({
      write,
      log: (name) => write(name, Buffer.alloc(0)),
      read: async (name) => (await pool.read(volume(name))).toString('latin1'),
      remove: (names) => pool.remove(names.map(volume)),
      close: () => Promise.resolve(),
    });
  }

  forget(): void {
    this.options.pool.forget();
    this.published.clear();
  }

  /** Sends the file unless a whole one is there, and then takes away what nobody needs any more. */
  private async sendOnce(file: string): Promise<string> {
    const { pool, prefix } = this.options;
    const digest = await sha256(file).catch((error: unknown) => {
      const words = error instanceof Error ? error.message : String(error);
      throw unusable(`image file ${file} can't be used: ${words}`, error);
    });
    const end = `${digest.slice(0, 16)}.${basename(file)
      .replace(/[^\w.-]/g, '_')
      .slice(-NAME_MAX)}`;
    const [name, whole] = [`${prefix}file.${end}`, `${prefix}whole.${end}`];
    this.sourceOf.set(end, file);
    const path = pool.path(name);
    const there = await pool.volumes();
    if (there.has(name) && there.has(whole)) return path;
    this.sending.add(end);
    try {
      await this.removeUnused();
      await this.send(file, name, digest);
      await pool.create([{ name: whole, format: 'raw', bytes: 0, mode: '0600' }]);
      return path;
    } catch (error) {
      await this.takeBack(name);
      throw error;
    } finally {
      this.sending.delete(end);
    }
  }

  /** What was sent of a file that did not get through; the error that stopped it is the one to tell. */
  private async takeBack(name: string): Promise<void> {
    const { pool, log } = this.options;
    await pool.remove([name]).catch((error: unknown) => {
      log.warn({ err: error, volume: name }, 'a half-sent file could not be removed');
    });
  }

  private async send(file: string, name: string, digest: string): Promise<void> {
    const { pool, hypervisor, log } = this.options;
    const { size: bytes } = await stat(file);
    const { freeBytes } = await pool.room('now');
    if (bytes > freeBytes) throw unusable(`No space left on device: ${file} takes ${mib(bytes)}`);
    const started = Date.now();
    const told = { hypervisor, storagePool: pool.name, file, bytes };
    let last = started;
    log.info(told, 'a file of nodes is sent to the hypervisor');
    const onProgress = (sent: number) => {
      if (Date.now() - last < PROGRESS_INTERVAL_MS) return;
      last = Date.now();
      log.info({ ...told, sent }, 'a file of nodes is being sent to the hypervisor');
    };
    const content = hashed(file, digest);
    await pool.create([{ name, format: 'raw', bytes: 0, mode: '0644' }], { content, onProgress });
    log.info({ ...told, milliseconds: Date.now() - started }, 'a file of nodes was sent');
  }

  /** Files that are of no image any more and that no disk and no domain names; and half-sent ones of an earlier run. */
  private async removeUnused(): Promise<void> {
    const { pool, prefix, sources, domains, log } = this.options;
    const shared = `${prefix}file.`;
    const volumes = [...(await pool.volumes())];
    const wanted = new Set([...sources(), ...this.placed]);
    const isWanted = (end: string) => wanted.has(this.sourceOf.get(end) ?? '');
    const ends = volumes.flatMap((name) =>
      name.startsWith(shared) ? [name.slice(shared.length)] : [],
    );
    const isWhole = (end: string) => volumes.includes(`${prefix}whole.${end}`);
    const candidates = ends.filter(
      (end) => !this.sending.has(end) && !(isWanted(end) && isWhole(end)),
    );
    if (candidates.length === 0) return;
    // Not asked for in this run yet: an image's content tells.
    const digests = await Promise.all(
      sources().map((file) => sha256(file).catch(() => 'not there')),
    );
    const disks = volumes.filter(
      (name) => name.startsWith(`${prefix}node.`) && /qcow2$/.test(name),
    );
    const users = [await pool.describe(disks), ...(await domains())].join('\n');
    for (const end of candidates) {
      const isOfImage = digests.some((digest) => end.startsWith(digest.slice(0, 16)));
      if (isOfImage && isWhole(end)) continue;
      if (users.includes(text(pool.path(`${shared}${end}`)))) continue;
      await pool.remove([`${prefix}whole.${end}`, `${shared}${end}`]);
      log.info({ storagePool: pool.name, volume: `${shared}${end}` }, 'a file of no node is gone');
    }
  }

  private volume(nodeKey: NodeKey, file: string): string {
    return `${this.options.prefix}node.${nodeKey.replaceAll('/', '.')}.${file}`;
  }

  private forwardsFile(nodeKey: NodeKey): string {
    return join(this.options.folder, 'forwards', `${nodeKey.replaceAll('/', '.')}.json`);
  }
}

const overlay = ({ base, baseBytes, diskGiB }: NodePlan) =>
  ({ format: 'qcow2', bytes: Math.max(diskGiB * GIB, baseBytes), backing: base }) as const;

/** As `devices.ts` names it beside the node's disk. */
const dataDisk = ({ lun }: DataDisk) => `data-${String(lun)}.qcow2`;

/** The file's content; an error at its end where it is not what was hashed before. */
async function* hashed(file: string, digest: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: MIB })) {
    hash.update(chunk as Buffer);
    yield chunk as Buffer;
  }
  if (hash.digest('hex') !== digest) throw unusable(`${file} changed while it was sent`);
}

const mib = (bytes: number) => `${String(Math.ceil(bytes / MIB))} MiB`;

const unusable = (message: string, cause?: unknown) =>
  new NodeProvisionError('AllocationFailed', message, { cause });
