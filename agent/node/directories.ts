import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

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
 * Makes the fresh directory of one try with its `wd`; what an older try of the task left there goes.
 * `directory` is relative to the root, as the assignment names it; throws on one that leaves it.
 */
export function createTaskDirectory(root: string, directory: string): string {
  if (!isBelow(directory, 'workitems')) {
    throw new Error(`the task directory ${JSON.stringify(directory)} is not below workitems/`);
  }
  const path = `${root}/${directory}`;
  try {
    mkdirSync(path, 0o770);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') rmSync(path, { recursive: true, force: true });
    else if (code !== 'ENOENT') throw error;
    mkdirSync(path, { recursive: true, mode: 0o770 });
  }
  mkdirSync(`${path}/wd`, 0o770);
  return path;
}

/**
 * The same for one part of a multi-instance task: the task's directory `shared` is made afresh, and the
 * part's own, which is the same or below it, with its `wd`.
 */
export function createPartDirectory(root: string, shared: string, directory: string): string {
  if (directory === shared) return createTaskDirectory(root, directory);
  if (!isBelow(shared, 'workitems') || !directory.startsWith(`${shared}/`)) {
    throw new Error(`the task directory ${JSON.stringify(shared)} is not below workitems/`);
  }
  rmSync(`${root}/${shared}`, { recursive: true, force: true });
  return createTaskDirectory(root, directory);
}

/** Whether a relative path names something inside `top`, by its text alone. */
function isBelow(path: string, top: string): boolean {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
    return false;
  return parts.length > 1 && parts[0] === top;
}
