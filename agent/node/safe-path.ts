import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { relative } from 'node:path';
import { AGENT_DIRECTORY, CERTIFICATES_DIRECTORY } from './directories.js';

/** A path that is refused before any file is touched. */
export class PathRefused extends Error {
  constructor(path: string, why: string) {
    super(`The path ${JSON.stringify(path)} is refused: ${why}.`);
    this.name = 'PathRefused';
  }
}

const HIDDEN = [AGENT_DIRECTORY, CERTIFICATES_DIRECTORY];

/** Splits a path below a root into its parts; throws PathRefused for one that could leave it. */
export function pathParts(path: string): string[] {
  if (path.startsWith('/')) throw new PathRefused(path, 'it is absolute');
  if (path.includes('\0')) throw new PathRefused(path, 'it holds a NUL character');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new PathRefused(path, 'it contains ".."');
  return parts;
}

/** Whether a path below the node's root belongs to the agent itself: its secret, private keys. */
export function isHidden(parts: readonly string[]): boolean {
  const path = parts.join('/');
  return HIDDEN.some((hidden) => path === hidden || path.startsWith(`${hidden}/`));
}

/**
 * Opens the directory that holds the last of `parts` by walking down from the root without following
 * any link, so that nothing swapped in meanwhile leads elsewhere. `use` gets a path that stays bound to
 * the opened directory (`/proc/self/fd/N`) and the last name.
 */
export async function inParent<Result>(
  root: string,
  parts: readonly string[],
  use: (directory: string, name: string) => Promise<Result>,
): Promise<Result> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  let handle: FileHandle = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const part of parts.slice(0, -1)) {
      const next = await open(`/proc/self/fd/${handle.fd}/${part}`, flags);
      await handle.close();
      handle = next;
    }
    return await use(`/proc/self/fd/${handle.fd}`, parts.at(-1) ?? '.');
  } finally {
    await handle.close();
  }
}

/** Parts of the path with its links resolved; throws PathRefused when they lead out of the root or to what is hidden. */
export async function resolveLinks(root: string, parts: readonly string[]): Promise<string[]> {
  const path = parts.join('/');
  const top = await realpath(root);
  const real = relative(top, await realpath(`${root}/${path}`));
  if (real === '..' || real.startsWith('../'))
    throw new PathRefused(path, 'it leads out of the node');
  const resolved = pathParts(real);
  if (isHidden(resolved)) throw new PathRefused(path, 'it belongs to the node agent');
  return resolved;
}
