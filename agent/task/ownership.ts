import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { RunUser } from '../node/users.js';
import { systemCode } from './failure.js';

/**
 * Gives a run's directory, which root alone could enter until now, with all that was loaded into it to
 * the run's user; output files are there already, and the user's. `top` is the directory itself or, for
 * parts of a multi-instance task, the task's above it; `readers`: a group that may read it. From here on
 * root neither writes nor walks there by names.
 */
export function handOver(directory: string, top: string, user: RunUser, readers?: number): void {
  const { uid } = user;
  const gid = readers ?? user.gid;
  for (const name of ['stdout.txt', 'stderr.txt']) createOutput(`${directory}/${name}`, uid, gid);
  chownTree(top, uid, gid, readers !== undefined);
}

/**
 * The same for the start task's directory, which an earlier run may have had: only its top is changed,
 * and output files are made anew. Every task of the node may read it, none may change it.
 */
export function handOverStartTask(
  directory: string,
  user: RunUser | undefined,
  group: number,
): void {
  const { uid, gid } = user === undefined ? { uid: 0, gid: group } : { uid: user.uid, gid: group };
  // To root first: nobody can put anything else there then.
  lchownSync(directory, 0, group);
  chmodSync(directory, 0o2750);
  for (const name of ['stdout.txt', 'stderr.txt']) {
    removeFile(`${directory}/${name}`);
    createOutput(`${directory}/${name}`, uid, gid);
  }
  lchownSync(`${directory}/wd`, uid, gid);
  lchownSync(directory, uid, gid);
}

function createOutput(path: string, uid: number, gid: number): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = openSync(path, flags, 0o640);
  try {
    fchownSync(file, uid, gid);
  } finally {
    closeSync(file);
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * The owner of the top changes last: until then only root gets in. Links are changed, not followed.
 * `readOnly`: others of the group may look, and not change.
 */
function chownTree(path: string, uid: number, gid: number, readOnly = false): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const name = `${path}/${entry.name}`;
    if (entry.isDirectory()) chownTree(name, uid, gid, readOnly);
    else {
      if (readOnly && entry.isFile()) chmodSync(name, lstatSync(name).mode & 0o755);
      lchownSync(name, uid, gid);
    }
  }
  if (readOnly) chmodSync(path, 0o2750);
  lchownSync(path, uid, gid);
}

/** A directory of root's own, where files for a user's directory are loaded first. */
export function createIncoming(rootDirectory: string): string {
  const path = `${rootDirectory}/volatile/incoming-${randomBytes(8).toString('hex')}`;
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** Moves what was loaded into a directory that the user has had before, with the user's rights alone. */
export async function deliver(
  incoming: string,
  target: string,
  user: RunUser,
  readers: number,
  setpriv: string,
): Promise<void> {
  try {
    chownTree(incoming, user.uid, readers, true);
    lchownSync(target, user.uid, readers);
    const who = ['--reuid', user.uid, '--regid', user.gid, '--groups', user.groups.join(',')];
    const copy = ['--', 'cp', '-a', '--remove-destination', '-T', incoming, target];
    await promisify(execFile)(setpriv, [...who.map(String), '--no-new-privs', ...copy], {
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      cwd: '/',
    });
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

/** Whether the user could read an opened file itself: what a hard link leads to may be another's. */
export const mayRead = (user: RunUser, stats: Stats): boolean =>
  stats.uid === user.uid || may(user, stats, 'read');

/** What the mode of a file or folder lets a user do; `run` of a folder is to pass it. */
export function may(user: RunUser, { uid, gid, mode }: Stats, what: 'read' | 'run'): boolean {
  const bit = what === 'read' ? 0o4 : 0o1;
  if (uid === user.uid) return (mode & (bit << 6)) !== 0;
  if (gid === user.gid || user.groups.includes(gid)) return (mode & (bit << 3)) !== 0;
  return (mode & bit) !== 0;
}
