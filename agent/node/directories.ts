import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { NodeGroups } from './users.js';

/** What stands below a node's root from the start (contract, section 5). */
const NODE_DIRECTORIES = [
  'workitems',
  'shared',
  'startup',
  'startup/wd',
  'fsmounts',
  'applications',
  'volatile',
];
/** The agent's own state: never served, never listed. */
export const AGENT_DIRECTORY = 'volatile/agent';
export const CERTIFICATES_DIRECTORY = 'volatile/certificates';
const ASIDE = 'aside-';

/** Makes the directories of a node; those that exist are kept. */
export function createNodeDirectories(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  for (const directory of NODE_DIRECTORIES) {
    mkdirSync(join(root, directory), { recursive: true, mode: 0o770 });
  }
  for (const directory of [AGENT_DIRECTORY, CERTIFICATES_DIRECTORY]) {
    mkdirSync(join(root, directory), { recursive: true, mode: 0o700 });
    chmodSync(join(root, directory), 0o700);
  }
}

/**
 * Shuts the node's directories for everyone but its users: its root lets them pass, `shared` lets them
 * write, and the agent's own state stays the agent's. Only for a node whose tasks have users.
 */
export function shutNodeDirectories(root: string, groups: NodeGroups): void {
  const set = (directory: string, group: number, mode: number) => {
    const path = join(root, directory);
    lchownSync(path, 0, group);
    chmodSync(path, mode);
  };
  for (const directory of ['workitems', 'volatile', CERTIFICATES_DIRECTORY])
    set(directory, 0, 0o711);
  for (const directory of ['applications', 'fsmounts']) set(directory, 0, 0o755);
  set('shared', groups.node, 0o2770);
  set('.', groups.node, 0o710);
}

/** Makes the directory of the start task for its next run; what an earlier run left in it stays. */
export function createStartTaskDirectory(root: string, groups?: NodeGroups): string {
  const path = `${root}/startup`;
  mkdirSync(`${path}/wd`, { recursive: true, mode: 0o770 });
  // Root's until it is handed over again: nobody puts anything into it meanwhile.
  if (groups !== undefined) lchownSync(path, 0, groups.node);
  return path;
}

/** Makes a link where the start task's user may have put anything by now. */
export function replaceByLink(root: string, target: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) setAside(root, path);
  symlinkSync(target, path);
}

/** Takes a file or tree of some user out of everybody's sight at once; `removeAside` deletes it. */
export function setAside(root: string, path: string): void {
  renameSync(path, join(root, AGENT_DIRECTORY, `${ASIDE}${randomBytes(8).toString('hex')}`));
}

/**
 * Deletes what was set aside, by the system's `rm`, which walks by open directories: a process of the
 * tree's user that is still in it can't lead it elsewhere.
 */
export async function removeAside(root: string): Promise<void> {
  const top = join(root, AGENT_DIRECTORY);
  const names = (await readdir(top)).filter((name) => name.startsWith(ASIDE));
  if (names.length > 0) await promisify(execFile)('rm', ['-rf', '--', ...names], { cwd: top });
}

/** Modes of the directories of tries: for users of their own, only the try's user gets in. */
const MODES = { open: { above: 0o770, own: 0o770 }, shut: { above: 0o711, own: 0o700 } };

/**
 * Makes the fresh directory of one try with its `wd`; what an older try of the task left there goes.
 * `directory` is relative to the root, as the assignment names it; throws on one that leaves it.
 */
function createTaskDirectory(root: string, directory: string, groups?: NodeGroups): string {
  if (!isBelow(directory, 'workitems')) {
    throw new Error(`the task directory ${JSON.stringify(directory)} is not below workitems/`);
  }
  const modes = groups === undefined ? MODES.open : MODES.shut;
  const path = `${root}/${directory}`;
  try {
    mkdirSync(path, modes.own);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') discard(root, path, groups);
    else if (code === 'ENOENT') mkdirSync(dirname(path), { recursive: true, mode: modes.above });
    else throw error;
    mkdirSync(path, modes.own);
  }
  mkdirSync(`${path}/wd`, modes.own);
  return path;
}

/**
 * The same for one part of a multi-instance task: the task's directory `shared` is made afresh, and the
 * part's own, which is the same or below it, with its `wd`.
 */
export function createPartDirectory(
  root: string,
  shared: string,
  directory: string,
  groups?: NodeGroups,
): string {
  if (directory === shared) return createTaskDirectory(root, directory, groups);
  if (!isBelow(shared, 'workitems') || !directory.startsWith(`${shared}/`)) {
    throw new Error(`the task directory ${JSON.stringify(shared)} is not below workitems/`);
  }
  const path = `${root}/${shared}`;
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) discard(root, path, groups);
  const modes = groups === undefined ? MODES.open : MODES.shut;
  mkdirSync(dirname(path), { recursive: true, mode: modes.above });
  mkdirSync(path, modes.own);
  return createTaskDirectory(root, directory, groups);
}

/** Root must not walk a tree by its names while another user may swap links into it. */
function discard(root: string, path: string, groups: NodeGroups | undefined): void {
  if (groups === undefined) rmSync(path, { recursive: true, force: true });
  else setAside(root, path);
}

/** Whether a relative path names something inside `top`, by its text alone. */
function isBelow(path: string, top: string): boolean {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
    return false;
  return parts.length > 1 && parts[0] === top;
}
