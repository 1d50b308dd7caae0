import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { inParent, isHidden, pathParts, PathRefused, resolveLinks } from './safe-path.js';

const CHUNK_BYTES = 64 * 1024;
/** How soon what was written is seen. */
const LOOK_MS = 100;

export interface Followed {
  rootDirectory: string;
  /** Below the root; need not exist yet. */
  path: string;
  /** The first byte that is wanted. */
  start: number;
  /** Whether nobody writes the file any more: it is read to its end, and that is all. */
  isOver(): boolean;
  signal: AbortSignal;
}

/**
 * The bytes of a file as they are written, until it is over. Reads no faster than its reader takes; ends
 * early, without an error, where the signal says so. A file that shrinks is read again from its start.
 */
export async function* follow(followed: Followed): AsyncGenerator<Buffer> {
  const { signal } = followed;
  let handle: FileHandle | undefined;
  let position = followed.start;
  try {
    while (!signal.aborted) {
      // Asked first: what is written between the question and the read is not missed.
      const isOver = followed.isOver();
      handle ??= await openIfThere(followed);
      const chunk = handle === undefined ? undefined : await readChunk(handle, position);
      if (chunk !== undefined && chunk.length > 0) {
        position += chunk.length;
        yield chunk;
        continue;
      }
      if (handle !== undefined && (await handle.stat()).size < position) {
        position = 0;
        continue;
      }
      if (isOver) return;
      await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await handle?.close();
  }
}

async function readChunk(handle: FileHandle, position: number): Promise<Buffer> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
  return chunk.subarray(0, bytesRead);
}

/** What is no regular file, or no path of the node's, is as a file that is not there. */
async function openIfThere({ rootDirectory, path }: Followed): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let handle: FileHandle;
  try {
    const parts = pathParts(path);
    if (isHidden(parts)) return undefined;
    const real = await resolveLinks(rootDirectory, parts);
    handle = await inParent(rootDirectory, real, (directory, name) =>
      open(`${directory}/${name}`, flags),
    );
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (error instanceof PathRefused) return undefined;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(code)) return undefined;
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}
