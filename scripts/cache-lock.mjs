// One process at a time fills a cache folder; the others wait for it. A holder that died leaves a lock whose
// process is gone, or that nobody has touched for a minute: it is taken over.
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

const TOUCH_EVERY_MS = 15_000;
const STALE_MS = 60_000;

/**
 * @param {string} path  of the lock file
 * @param {string} what  the holder is doing, for the line that a waiting process prints
 * @param {(line: string) => void} say
 * @returns {Promise<() => void>} lets go
 */
export async function cacheLock(path, what, say) {
  for (let told = false; ;) {
    try {
      closeSync(openSync(path, 'wx'));
      const beat = setInterval(() => writeFileSync(path, String(process.pid)), TOUCH_EVERY_MS);
      beat.unref();
      writeFileSync(path, String(process.pid));
      return () => {
        clearInterval(beat);
        rmSync(path, { force: true });
      };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!holderLives(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say(`Another process is ${what}: waiting for it …`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function holderLives(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return false;
    const pid = Number(readFileSync(path, 'utf8'));
    if (!pid) return true; // just made
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
