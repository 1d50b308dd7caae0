#!/usr/bin/env node
// npm run simulate: set-up, then test/simulation/main.ts (its head tells the flags).
import { spawnSync } from 'node:child_process';
import { root, setUp } from './setup.mjs';

try {
  setUp();
} catch (error) {
  console.error(`simulate: ${error.message}`);
  process.exit(1);
}
const run = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'test/simulation/main.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = run.status ?? 1;
