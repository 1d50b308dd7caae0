import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodePiece } from './blob-path.js';

/** By UTF-8 bytes, as the Blob service orders names. */
const inOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * Names of blobs in a container's folder, in order, that begin with `prefix` and don't come before
 * `marker`. Reads only folders that may hold such names, one folder at a time.
 */
export async function* namesBelow(
  folder: string,
  prefix: string,
  marker: string,
  start = '',
): AsyncGenerator<string> {
  const entries = (await namesIn(folder))
    .map((file) => ({ file, kind: file.slice(-1), name: start + decodePiece(file.slice(0, -2)) }))
    .map((entry) => (entry.kind === 'd' ? { ...entry, name: `${entry.name}/` } : entry))
    .sort((a, b) => inOrder(a.name, b.name));
  for (const { file, kind, name } of entries) {
    if (kind === 'b') {
      if (name.startsWith(prefix) && inOrder(name, marker) >= 0) yield name;
      continue;
    }
    const mayMatch = name.startsWith(prefix) || prefix.startsWith(name);
    const allBefore = inOrder(name, marker) < 0 && !marker.startsWith(name);
    if (mayMatch && !allBefore) yield* namesBelow(join(folder, file), prefix, marker, name);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    // Its last blob was deleted meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
