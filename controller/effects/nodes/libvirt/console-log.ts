import { open } from 'node:fs/promises';
import type { NodeConsole } from '../provider.js';

/** The last bytes of a guest's console log; undefined: there is none yet, or only QEMU's user may read it. */
export async function readConsoleLog(
  file: string,
  bytesMax: number,
): Promise<NodeConsole | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const skipped = Math.max(0, size - bytesMax);
      const text = Buffer.alloc(size - skipped);
      const { bytesRead } = await handle.read(text, 0, text.length, skipped);
      return { text: text.subarray(0, bytesRead), skipped };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}
