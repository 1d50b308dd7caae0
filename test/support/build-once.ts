import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds dist/ once for a run, however many projects ask: tests start the same files that users start. */
export default function buildOnce(): void {
  if (process.env.BATCHYARD_TEST_BUILT !== undefined) return;
  execFileSync(process.execPath, ['scripts/build.mjs'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
  });
  process.env.BATCHYARD_TEST_BUILT = 'yes';
}
