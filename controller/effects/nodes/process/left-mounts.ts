import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const UNMOUNT_TIMEOUT_MS = 10_000;

/**
 * Takes off what a node has mounted below its root, which its agent may not have lived to do. Throws when
 * something stays: nobody may delete below the root then, the files could be those of a share.
 */
export async function unmountLeft(rootDirectory: string): Promise<void> {
  for (const place of (await mountsBelow(rootDirectory)).reverse())
    // At once, whoever has a file open there: its processes are dead, or are about to be.
    await promisify(execFile)('umount', ['-l', place], { timeout: UNMOUNT_TIMEOUT_MS });
  const left = await mountsBelow(rootDirectory);
  if (left.length > 0)
    throw new Error(`${left.join(', ')} can't be unmounted: nothing below it is removed`);
}

/** In the order of mounting. */
async function mountsBelow(rootDirectory: string): Promise<string[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((place) => place.startsWith(`${rootDirectory}/`));
}

/** The kernel writes white space and backslashes as octal numbers. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
