/** One storage pool of a hypervisor, as far as it is needed here: volumes that are files in one folder. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeProvisionError } from '../provider.js';
import { UPLOADED, VirshError } from './virsh.js';
import type { Upload, Virsh, VirshCommand } from './virsh.js';
import { element, text } from './xml.js';

/** Pools whose volumes QEMU opens as files. */
const KINDS = ['dir', 'fs', 'netfs'];
const LIST_MAX_AGE_MS = 60_000;
/** Of what is read back: console logs. */
const READ_BYTES_MAX = 64 * 1024 * 1024;

export interface VolumePlan {
  name: string;
  format: 'raw' | 'qcow2';
  bytes: number;
  /** 0644: for all nodes; libvirt gives the others to the user that QEMU runs as. */
  mode: '0600' | '0644';
  /** The path of the qcow2 that it stands on. */
  backing?: string;
}

interface State {
  at: number;
  path: string;
  bytes: number;
  freeBytes: number;
  volumes: Set<string>;
}

export interface StoragePoolOptions {
  name: string;
  /** Names of our volumes start with it; all others are left out and left alone. */
  prefix: string;
  /** Private, on this machine, for what goes through a file. */
  folder: string;
  /** How old the list of volumes may be: nobody else makes volumes with our prefix. */
  listMaxAgeMs?: number | undefined;
}

export class StoragePool {
  private state: State | undefined;

  private constructor(
    private readonly virsh: Virsh,
    private readonly options: StoragePoolOptions,
  ) {}

  /** Throws NodeProvisionError where there is no such pool, or none that can be used. */
  static async open(virsh: Virsh, options: StoragePoolOptions): Promise<StoragePool> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const pool = new StoragePool(virsh, options);
    await pool.look();
    return pool;
  }

  get name(): string {
    return this.options.name;
  }

  /** Where QEMU finds a volume: the same for as long as the pool is. */
  path(volume: string): string {
    return `${this.known.path}/${volume}`;
  }

  get folder(): string {
    return this.known.path;
  }

  has(volume: string): boolean {
    return this.known.volumes.has(volume);
  }

  /** Our volumes, as they were at most a minute ago. */
  async volumes(): Promise<ReadonlySet<string>> {
    const { listMaxAgeMs = LIST_MAX_AGE_MS } = this.options;
    if (Date.now() - this.known.at > listMaxAgeMs) await this.look();
    return this.known.volumes;
  }

  /** @param now what was written since into volumes counts too */
  async room(now?: 'now'): Promise<{ bytes: number; freeBytes: number }> {
    if (now !== undefined)
      await this.run([['pool-refresh', this.name]]).catch((error: unknown) => {
        // Refused while somebody's upload is under way: libvirt's own count is close enough then.
        if (!(error instanceof VirshError)) throw error;
      });
    if (now !== undefined || this.isOld()) await this.look();
    return this.known;
  }

  /** The next question is answered by looking. */
  forget(): void {
    if (this.state !== undefined) this.state = { ...this.state, at: Number.NEGATIVE_INFINITY };
  }

  /** New volumes in the place of those of the same names; all or an error. The upload is the first one's content. */
  async create(plans: readonly VolumePlan[], upload?: Upload): Promise<void> {
    const files: string[] = [];
    const commands: VirshCommand[] = [];
    try {
      for (const plan of plans) {
        const file = join(this.options.folder, `volume-${randomBytes(8).toString('hex')}.xml`);
        files.push(file);
        await writeFile(file, volumeXml(plan), { mode: 0o600 });
        commands.push(['vol-delete', '--pool', this.name, plan.name]);
        commands.push(['vol-create', this.name, file]);
      }
      const first = plans[0];
      if (upload !== undefined && first !== undefined)
        commands.push(['vol-upload', '--pool', this.name, first.name, UPLOADED]);
      await this.run(commands, upload);
      for (const { name } of plans) this.known.volumes.add(name);
    } finally {
      for (const file of files) await rm(file, { force: true });
    }
  }

  /** None there is fine. */
  async remove(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.run(names.map((name) => ['vol-delete', '--pool', this.name, name] as const));
    for (const name of names) this.known.volumes.delete(name);
  }

  /** The content of a small volume; empty where there is none. */
  async read(name: string): Promise<Buffer> {
    const file = join(this.options.folder, `read-${randomBytes(8).toString('hex')}`);
    try {
      await writeFile(file, '', { mode: 0o600 });
      const limit = ['--length', String(READ_BYTES_MAX)];
      await this.run([['vol-download', '--pool', this.name, name, file, ...limit]]);
      return await readFile(file);
    } finally {
      await rm(file, { force: true });
    }
  }

  /** libvirt's description of volumes, those that they stand on included. */
  async describe(names: readonly string[]): Promise<string> {
    if (names.length === 0) return '';
    return this.run(names.map((name) => ['vol-dumpxml', '--pool', this.name, name] as const));
  }

  private get known(): State {
    if (this.state === undefined) throw new Error('the storage pool was not opened');
    return this.state;
  }

  private isOld(): boolean {
    return Date.now() - this.known.at > (this.options.listMaxAgeMs ?? LIST_MAX_AGE_MS);
  }

  private async run(commands: readonly VirshCommand[], upload?: Upload): Promise<string> {
    try {
      return await this.virsh.run(commands, upload);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  private async look(): Promise<void> {
    const { name, prefix } = this.options;
    const at = Date.now();
    const said = await this.virsh
      .run([
        ['pool-info', '--bytes', name],
        ['pool-dumpxml', name],
        ['vol-list', name],
      ])
      .catch((error: unknown) => this.explain(error));
    const kind = /<pool type='([^']*)'/.exec(said)?.[1] ?? '';
    if (!KINDS.includes(kind))
      throw unusable(`storage pool "${name}" is of type ${kind}: allowed are ${KINDS.join(', ')}`);
    const number = (key: string) =>
      Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(said)?.[1] ?? 0);
    const rows = said.slice(said.indexOf('</pool>')).split('\n');
    const volumes = rows.flatMap((row) => /^\s*(\S+)\s+\//.exec(row)?.[1] ?? []);
    this.state = {
      at,
      path: /<path>([^<]*)<\/path>/.exec(said)?.[1] ?? '',
      bytes: number('Capacity'),
      freeBytes: number('Available'),
      volumes: new Set(volumes.filter((volume) => volume.startsWith(prefix))),
    };
  }

  private async explain(error: unknown): Promise<never> {
    const words = error instanceof Error ? error.message : String(error);
    const { name } = this.options;
    if (/pool not found/i.test(words)) {
      const all = await this.virsh.run([['pool-list', '--all', '--name']]);
      const known = all.split(/\s+/).filter(Boolean).join(', ') || 'none';
      throw unusable(
        `there is no storage pool "${name}" (there are: ${known}); make it there with: ` +
          `virsh pool-define-as ${name} dir --target FOLDER && virsh pool-build ${name} && virsh pool-start ${name} && virsh pool-autostart ${name}`,
      );
    }
    if (/not active/i.test(words))
      throw unusable(`storage pool "${name}" is not active: virsh pool-start ${name}`);
    throw error;
  }
}

const unusable = (message: string) => new NodeProvisionError('AllocationFailed', message);

const volumeXml = ({ name, format, bytes, mode, backing }: VolumePlan): string =>
  element(
    'volume',
    {},
    element('name', {}, text(name)),
    element('capacity', { unit: 'bytes' }, String(bytes)),
    element('allocation', {}, '0'),
    element(
      'target',
      {},
      element('format', { type: format }),
      element('permissions', {}, element('mode', {}, mode)),
      ...(format === 'qcow2' ? [element('compat', {}, '1.1')] : []),
    ),
    ...(backing === undefined
      ? []
      : [
          element(
            'backingStore',
            {},
            element('path', {}, text(backing)),
            element('format', { type: 'qcow2' }),
          ),
        ]),
  );
