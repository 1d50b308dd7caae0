import type { Launcher } from './launcher.js';
import { createNodeLauncher } from './node-launcher.js';
import { createPosixLauncher } from './posix-launcher.js';

/** posix_spawn where it can be called; else Node's own, with a word for whoever wonders. */
export function chooseLauncher(): { launcher: Launcher; remark?: string } {
  try {
    return { launcher: createPosixLauncher() };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
    const remark = `posix_spawn can't be called (${reason}): processes start by Node's own, slower spawn`;
    return { launcher: createNodeLauncher(), remark };
  }
}
