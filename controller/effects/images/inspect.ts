import { open } from 'node:fs/promises';
import { runProgram } from '../nodes/libvirt/program.js';
import { ImportFailure } from './failure.js';

const MAGIC = Buffer.from('QFI\xfb', 'latin1');
const QEMU_IMG = { debianPackage: 'qemu-utils', timeoutMs: 120_000 };

interface Info {
  format?: string;
  'virtual-size'?: number;
  'backing-filename'?: string;
  'format-specific'?: { data?: { 'data-file'?: string; corrupt?: boolean } };
}

/**
 * Refuses a file that is not a whole qcow2 of its own. One that names another file (backing or data)
 * would let its maker read any file that QEMU may read.
 * @throws ImportFailure
 */
export async function inspectDisk(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (!buffer.equals(MAGIC))
      throw new ImportFailure(
        'NotQcow2',
        'the file is not a qcow2 image; convert it with: qemu-img convert -O qcow2 FILE disk.qcow2',
      );
  } finally {
    await handle.close();
  }
  const info = await read(file);
  const other = info['backing-filename'] ?? info['format-specific']?.data?.['data-file'];
  if (other !== undefined)
    throw new ImportFailure(
      'HasBackingFile',
      `the image stands on another file, ${other.slice(0, 200)}; make it whole with: qemu-img convert -O qcow2 FILE disk.qcow2`,
    );
  if (info['format-specific']?.data?.corrupt === true)
    throw new ImportFailure('NotQcow2', 'the image is marked as corrupt; try: qemu-img check -r');
  await tried(['check', '-q', '-f', 'qcow2', file]);
}

async function read(file: string): Promise<Info> {
  return JSON.parse(await tried(['info', '-f', 'qcow2', '--output=json', file])) as Info;
}

async function tried(args: string[]): Promise<string> {
  try {
    return await runProgram('qemu-img', args, QEMU_IMG);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new ImportFailure('NotQcow2', `the file is no usable qcow2 image: ${words}`, {
      cause: error,
    });
  }
}
