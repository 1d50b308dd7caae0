import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of a test's own, and how to be rid of it. */
export function tempDirectory(name = 'test'): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `batchyard-${name}-`));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
