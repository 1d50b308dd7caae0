import { readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cgroupName } from '../../../../protocol/agent/enrol.js';

/** A killed process may take a moment to leave its group. */
const TRIES_MAX = 20;
const PAUSE_MS = 20;

/** Ends what is left in a node's control groups, which its agent may not have lived to remove, and removes them. */
export async function removeLeftGroups(rootDirectory: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const top = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
  if (top === undefined) return;
  const group = join(top, cgroupName(rootDirectory));
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    if (await removed(group)) return;
    await delay(PAUSE_MS);
  }
}

async function removed(group: string): Promise<boolean> {
  try {
    for (const entry of await readdir(group, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      await writeFile(join(group, entry.name, 'cgroup.kill'), '1');
      await rmdir(join(group, entry.name));
    }
    await rmdir(group);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EROFS') return true;
    if (code === 'EBUSY') return false;
    throw error;
  }
}
