/**
 * The files of one hypervisor's nodes:
 *
 *   DIR/shared/             base images, kernels and agent disks, named by what is in them, read-only
 *   DIR/probe/              while the domain type is being found out
 *   DIR/templates/{controller}/{key}/           see template.ts
 *   DIR/{controller}/{account}/{pool}/{node}/   disk.qcow2, console.log, seed.json, node.json
 *
 * Folders can be passed but not listed by others, as QEMU runs as a user of its own. A node's folder
 * without a domain is a node that is stopped: nothing of a half-made create is ever out of sight.
 */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NodeKey } from '../../../../protocol/keys.js';
import { NodeProvisionError } from '../provider.js';
import type { NodeConsole, NodeForward } from '../provider.js';
import { makeDataDisks, removeDataDisks } from './devices.js';
import { localProbeFiles } from './domain-type.js';
import { entries, exists, removedEmpty } from './folders.js';
import { readConsoleLog } from './console-log.js';
import type { NodeFiles, NodePaths, NodePlan, Room } from './node-files.js';
import { runProgram } from './program.js';
import { closedFolder, qemuUser } from './reachable.js';

const FOLDER_MODE = 0o711;
/** Where libvirt itself keeps disks: every QEMU user may pass it. */
const SYSTEM_DIRECTORY = '/var/lib/libvirt/images/batchyard';
const QEMU_IMG = { debianPackage: 'qemu-utils', timeoutMs: 60_000 };
const GIB = 1024 ** 3;

interface NodeFolder extends NodePaths {
  path: string;
}

export class HostFiles implements NodeFiles {
  private readonly opened = new Map<NodeKey, readonly NodeForward[]>();
  private readonly published = new Map<string, Promise<string>>();

  private constructor(
    readonly directory: string,
    private readonly controllerId: string,
  ) {}

  /**
   * @param configured the hypervisor's `diskDirectory`
   * @param fallback below the data folder; given up where QEMU's user can't get there and we are root
   */
  static async open(
    options: { configured: string | undefined; fallback: string; uri: string },
    controllerId: string,
  ): Promise<HostFiles> {
    const directory = choose(options);
    await mkdir(directory, { recursive: true, mode: FOLDER_MODE });
    const files = new HostFiles(directory, controllerId.replace(/[^\w-]/g, '_'));
    await files.folder(join(directory, 'shared'));
    return files;
  }

  node(nodeKey: NodeKey): NodeFolder {
    const path = join(this.directory, this.controllerId, ...nodeKey.split('/'));
    return {
      path,
      disk: join(path, 'disk.qcow2'),
      consoleLog: join(path, 'console.log'),
      seedFile: join(path, 'seed.json'),
    };
  }

  /** A new disk over the base image (or the one that was kept), and the seed of this incarnation. */
  async prepare(nodeKey: NodeKey, plan: NodePlan): Promise<void> {
    const folder = this.node(nodeKey);
    await this.folder(folder.path);
    const kept = plan.disk === 'keep' && (await exists(folder.disk));
    const record = join(folder.path, 'node.json');
    const template = kept ? (await recordOf(record)).template : plan.template;
    await writeFile(record, JSON.stringify({ nodeKey, incarnation: plan.incarnation, template }));
    await rm(folder.seedFile, { force: true });
    await writeFile(folder.seedFile, plan.seed, { mode: 0o600 });
    if (!kept) await this.makeDisk(folder.disk, plan.base, plan.diskGiB);
    if (plan.disk === 'new') await removeDataDisks(folder.disk, plan.dataDisks);
    await makeDataDisks(folder.disk, plan.dataDisks);
  }

  place(make: (workshop: HostFiles) => Promise<string>): Promise<string> {
    return make(this);
  }

  console(nodeKey: NodeKey, bytesMax: number): Promise<NodeConsole | undefined> {
    return readConsoleLog(this.node(nodeKey).consoleLog, bytesMax);
  }

  async room(): Promise<Room> {
    const { bsize, blocks, bavail } = await statfs(this.directory);
    const what = `the file system of ${this.directory}`;
    return { what, setting: 'diskDirectory', bytes: bsize * blocks, freeBytes: bsize * bavail };
  }

  async probeFiles() {
    const folder = await this.workFolder(`probe-${String(process.pid)}`);
    return { ...localProbeFiles(folder), close: () => this.removeFolder(folder) };
  }

  forget(): void {
    this.published.clear();
  }

  /** A qcow2 over the base, in the place of what is there; at least as large as the base is. */
  async makeDisk(disk: string, base: string, diskGiB: number): Promise<void> {
    await rm(disk, { force: true });
    const bytes = Math.max(diskGiB * GIB, await virtualBytes(base));
    const args = ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, disk, String(bytes)];
    await runProgram('qemu-img', args, QEMU_IMG);
    await chmod(disk, 0o600);
  }

  /** Where one template is kept; made when it isn't there. */
  async templateFolder(key: string): Promise<string> {
    const folder = join(this.directory, 'templates', this.controllerId, key);
    await this.folder(folder);
    return folder;
  }

  /** The keys of all templates, whole or not. */
  templates(): Promise<string[]> {
    return entries(join(this.directory, 'templates', this.controllerId));
  }

  /** Removes templates that no node stands on, but for the newest `kept` of them. */
  async removeUnusedTemplates(kept: number): Promise<void> {
    const used = await this.templatesInUse();
    const unused: { path: string; time: number }[] = [];
    for (const key of await this.templates()) {
      const path = await this.templateFolder(key);
      if (!used.has(key)) unused.push({ path, time: (await stat(path)).mtimeMs });
    }
    unused.sort((one, other) => other.time - one.time);
    for (const { path } of unused.slice(kept)) await this.removeFolder(path);
  }

  async removeTemplateUnlessUsed(key: string): Promise<void> {
    if (!(await this.templatesInUse()).has(key))
      await this.removeFolder(await this.templateFolder(key));
  }

  private async templatesInUse(): Promise<Set<string>> {
    const nodes = await this.list();
    const records = nodes.map(({ nodeKey }) =>
      recordOf(join(this.node(nodeKey).path, 'node.json')),
    );
    const used = new Set<string>();
    for (const { template } of await Promise.all(records))
      if (template !== undefined) used.add(template);
    return used;
  }

  /** Ports of the host that lead to the node: kept beside its disk for a controller that starts again. */
  async writeForwards(nodeKey: NodeKey, forwards: readonly NodeForward[]): Promise<void> {
    this.opened.set(nodeKey, forwards);
    await writeFile(join(this.node(nodeKey).path, 'forwards.json'), JSON.stringify(forwards));
  }

  async forwards(nodeKey: NodeKey): Promise<readonly NodeForward[] | undefined> {
    const known = this.opened.get(nodeKey);
    if (known !== undefined) return known;
    const file = join(this.node(nodeKey).path, 'forwards.json');
    if (!(await exists(file))) return undefined;
    const read = JSON.parse(await readFile(file, 'utf8')) as NodeForward[];
    this.opened.set(nodeKey, read);
    return read;
  }

  /** Takes the seed away; `remove` takes everything. */
  async release(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    const { path, seedFile } = this.node(nodeKey);
    this.opened.delete(nodeKey);
    await rm(join(path, 'forwards.json'), { force: true });
    if (disk === 'keep') {
      await rm(seedFile, { force: true });
      return;
    }
    await rm(path, { recursive: true, force: true });
    // The folders of a pool, an account and a controller go with their last node.
    for (let above = dirname(path); above !== this.directory; above = dirname(above)) {
      if (!(await removedEmpty(above))) break;
    }
  }

  /** Nodes that have a folder, domain or not. */
  async list(): Promise<{ nodeKey: NodeKey; incarnation: number }[]> {
    const found: { nodeKey: NodeKey; incarnation: number }[] = [];
    const root = join(this.directory, this.controllerId);
    for (const account of await entries(root)) {
      for (const pool of await entries(join(root, account))) {
        for (const node of await entries(join(root, account, pool))) {
          const nodeKey = [account, pool, node].join('/') as NodeKey;
          found.push({
            nodeKey,
            incarnation: (await recordOf(join(root, nodeKey, 'node.json'))).incarnation,
          });
        }
      }
    }
    return found;
  }

  /** The file under a name of its content, where QEMU can read it: a link where possible, else a copy. */
  publish(file: string): Promise<string> {
    let published = this.published.get(file);
    if (published === undefined) {
      published = this.link(file).catch((error: unknown) => {
        this.published.delete(file);
        throw new NodeProvisionError(
          'AllocationFailed',
          `image file ${file} can't be used: ${words(error)}`,
          { cause: error },
        );
      });
      this.published.set(file, published);
    }
    return published;
  }

  /** An empty folder for files that are only needed for a while. */
  async workFolder(name: string): Promise<string> {
    const path = join(this.directory, name);
    await rm(path, { recursive: true, force: true });
    await this.folder(path);
    return path;
  }

  async removeFolder(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
  }

  shared(name: string): string {
    return join(this.directory, 'shared', name);
  }

  private async link(file: string): Promise<string> {
    const target = this.shared(`${(await sha256(file)).slice(0, 16)}-${basename(file)}`);
    if (await exists(target)) return target;
    const temporary = `${target}.${String(process.pid)}`;
    try {
      const { mode } = await stat(file);
      // A link shares its mode with the original, so only one that others may read is linked.
      if ((mode & 0o004) === 0)
        throw Object.assign(new Error('not readable by others'), { code: 'EPERM' });
      await link(file, temporary);
    } catch (error) {
      if (!(
        error instanceof Error &&
        'code' in error &&
        (error.code === 'EXDEV' || error.code === 'EPERM')
      ))
        throw error;
      await copyFile(file, temporary, constants.COPYFILE_FICLONE);
      await chmod(temporary, 0o644);
    }
    await rename(temporary, target);
    return target;
  }

  /** Makes the folder and those above it up to our directory, each open to pass whatever the umask is. */
  private async folder(path: string): Promise<void> {
    const made: string[] = [];
    for (let at = path; at !== this.directory; at = dirname(at)) made.unshift(at);
    for (const folder of [this.directory, ...made]) {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
      await chmod(folder, FOLDER_MODE);
    }
  }
}

function choose(options: {
  configured: string | undefined;
  fallback: string;
  uri: string;
}): string {
  const user = qemuUser(options.uri);
  if (user === undefined) return options.configured ?? options.fallback;
  const closed = closedFolder(options.configured ?? options.fallback, user);
  if (closed === undefined) return options.configured ?? options.fallback;
  if (options.configured === undefined && process.getuid?.() === 0) return SYSTEM_DIRECTORY;
  throw new NodeProvisionError(
    'AllocationFailed',
    `QEMU runs as user ${user.name}, who may not pass folder ${closed}: let it (chmod o+x ${closed}), ` +
      'or name another folder as `diskDirectory` of the hypervisor',
  );
}

/** Of a file's content, in hexadecimal digits. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function virtualBytes(base: string): Promise<number> {
  const text = await runProgram('qemu-img', ['info', '--output=json', base], QEMU_IMG);
  const size: unknown = (JSON.parse(text) as Record<string, unknown>)['virtual-size'];
  if (typeof size !== 'number') throw new Error(`qemu-img tells no size of ${base}`);
  return size;
}

async function recordOf(file: string): Promise<{ incarnation: number; template?: string }> {
  try {
    const { incarnation, template } = JSON.parse(await readFile(file, 'utf8')) as {
      incarnation?: unknown;
      template?: unknown;
    };
    return {
      incarnation: Number(incarnation ?? 0),
      ...(typeof template === 'string' ? { template } : {}),
    };
  } catch {
    // A create that died before it was written; no incarnation is 0.
    return { incarnation: 0 };
  }
}

const words = (error: unknown) => (error instanceof Error ? error.message : String(error));
