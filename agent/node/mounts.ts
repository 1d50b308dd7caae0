import { execFile, execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { AssignedMount } from '../../protocol/agent/assignment.js';
import { mountCall } from '../core/mount-options.js';
import { AGENT_DIRECTORY } from './directories.js';
import type { Users } from './users.js';

const MOUNTS_DIRECTORY = 'fsmounts';
/** A server that is not there is given up after this. */
const MOUNT_TIMEOUT_MS = 90_000;
const UNMOUNT_TIMEOUT_MS = 5_000;
const MESSAGE_MAX = 1_000;

/** Where Debian's nfs-common puts what mount(8) calls for NFS. */
const NFS_HELPERS = ['/sbin/mount.nfs', '/usr/sbin/mount.nfs'];

/** A file system of the pool that this node could not mount. */
export class MountFailed extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`The file system for ${MOUNTS_DIRECTORY}/${path} could not be mounted.`);
    this.name = 'MountFailed';
  }
}

/** The file systems that a pool wants on its nodes, below AZ_BATCH_NODE_MOUNTS_DIR. */
export class Mounts {
  constructor(
    private readonly rootDirectory: string,
    private readonly users: Users,
  ) {}

  /** Mounts what is not mounted yet, one after the other: places may lie in each other. @throws MountFailed */
  async mount(wanted: readonly AssignedMount[]): Promise<void> {
    const mounted = new Set(this.#mounted());
    for (const one of wanted) {
      const place = join(this.rootDirectory, MOUNTS_DIRECTORY, one.path);
      if (mounted.has(place)) continue;
      try {
        mkdirSync(place, { recursive: true, mode: 0o755 });
        await this.#mount(one, place);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new MountFailed(one.path, reason.slice(0, MESSAGE_MAX));
      }
    }
  }

  async #mount(one: AssignedMount, place: string): Promise<void> {
    const { type, source, options, credentials } = mountCall(one, this.#owner());
    if (type === 'nfs' && !NFS_HELPERS.some((file) => existsSync(file)))
      options.push(...(await kernelOptions(source, options)));
    const name = `credentials-${randomBytes(8).toString('hex')}`;
    const file = join(this.rootDirectory, AGENT_DIRECTORY, name);
    const all = credentials === undefined ? options : [`credentials=${file}`, ...options];
    try {
      if (credentials !== undefined) writeFileSync(file, credentials, { mode: 0o600, flag: 'wx' });
      const named = all.length === 0 ? [] : ['-o', all.join(',')];
      await call('mount', ['-t', type, ...named, source, place], MOUNT_TIMEOUT_MS);
    } finally {
      rmSync(file, { force: true });
    }
  }

  /** Takes everything off again, innermost first; what is in use goes once it is not. Returns what failed. */
  unmountAll(): string[] {
    const problems: string[] = [];
    for (const place of this.#mounted().reverse())
      try {
        execFileSync('umount', ['-l', place], { timeout: UNMOUNT_TIMEOUT_MS, stdio: 'pipe' });
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    return problems;
  }

  /** Whose the files of shares without owners are: every task of the node may write them. */
  #owner(): { uid: number; gid: number } {
    const { groups } = this.users;
    if (groups !== undefined) return { uid: 0, gid: groups.node };
    return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  }

  /** Places below `fsmounts/` where something is mounted, in the order of mounting. */
  #mounted(): string[] {
    const top = `${join(this.rootDirectory, MOUNTS_DIRECTORY)}/`;
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => unescaped(line.split(' ')[4] ?? ''))
      .filter((place) => place.startsWith(top));
  }
}

/** What mount's helper for NFS would find out: without it the kernel mounts version 4, by the server's address. */
async function kernelOptions(source: string, given: readonly string[]): Promise<string[]> {
  const has = (name: string) => given.some((option) => option.startsWith(`${name}=`));
  const host = /^\[([^\]]+)\]:|^([^:]+):/.exec(source);
  const name = host?.[1] ?? host?.[2];
  if (name === undefined)
    throw new Error(`The NFS source ${JSON.stringify(source)} is not HOST:/PATH.`);
  const version = has('vers') || has('nfsvers') ? [] : ['vers=4.2'];
  return has('addr') ? version : [...version, `addr=${(await lookup(name)).address}`];
}

/** The kernel writes white space and backslashes as octal numbers. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

function call(program: string, words: string[], timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { timeout, killSignal: 'SIGKILL' as const, cwd: '/' };
    execFile(program, words, options, (error, _, stderr) => {
      if (error === null) return resolve();
      const said = stderr.trim() === '' ? `${program}: ${String(error.code)}` : stderr.trim();
      reject(
        new Error(
          error.killed === true ? `${program} took longer than ${String(timeout)} ms` : said,
        ),
      );
    });
  });
}
