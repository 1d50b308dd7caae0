#!/usr/bin/env node
// npm run bench: set-up, then bench/main.ts (--help tells the flags).
import { spawnSync } from 'node:child_process';
import { root, setUp } from './setup.mjs';

try {
  setUp();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exit(1);
}
const run = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'bench/main.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = run.status ?? 1;
