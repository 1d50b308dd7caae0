import { open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { NodeProvisionError } from '../provider.js';

/** QEMU's docs/interop/qcow2.txt: magic, version, place and length of the backing file's name, virtual size. */
const MAGIC = 0x5146_49fb;
const HEADER_BYTES = 32;
const NAME_BYTES_MAX = 1023;
const CURE = 'make it whole with: qemu-img convert -O qcow2 FILE disk.qcow2';

/**
 * Looks at the head of an image's disk before nodes are made of it.
 * @param alone it goes to another machine, where nothing that it stands on is
 * @returns the size of the disk that it holds, in bytes
 */
export async function checkDisk(file: string, alone: boolean): Promise<number> {
  const { virtualBytes, backing } = await readHead(file);
  if (backing === undefined) return virtualBytes;
  if (alone)
    throw unusable(file, `stands on another file, ${backing}, which is not uploaded: ${CURE}`);
  const path = resolve(dirname(file), backing);
  if (!backing.includes(':') && !(await isThere(path)))
    throw unusable(
      file,
      `stands on ${path}, which is not there: bring it back, or while you still can ${CURE}`,
    );
  return virtualBytes;
}

async function readHead(file: string): Promise<{ virtualBytes: number; backing?: string }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw unusable(file, `can't be opened: ${error instanceof Error ? error.message : ''}`, error);
  });
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(head, 0, HEADER_BYTES, 0);
    if (bytesRead < HEADER_BYTES || head.readUInt32BE(0) !== MAGIC)
      throw unusable(
        file,
        'is not a qcow2 image; convert it with: qemu-img convert -O qcow2 FILE disk.qcow2',
      );
    const [offset, length] = [Number(head.readBigUInt64BE(8)), head.readUInt32BE(16)];
    const virtualBytes = Number(head.readBigUInt64BE(24));
    if (offset === 0 || length === 0) return { virtualBytes };
    const name = Buffer.alloc(Math.min(length, NAME_BYTES_MAX));
    await handle.read(name, 0, name.length, offset);
    return { virtualBytes, backing: name.toString('utf8') };
  } finally {
    await handle.close();
  }
}

const unusable = (file: string, words: string, cause?: unknown) =>
  new NodeProvisionError('AllocationFailed', `image file ${file} ${words}`, { cause });

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
