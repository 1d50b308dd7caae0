#!/usr/bin/env node
// npm run demo: set-up with nothing but Node, then the story in demo/.
import { spawnSync } from 'node:child_process';
import { root, setUp } from './setup.mjs';

try {
  setUp();
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exit(1);
}
const story = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'demo/main.ts', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exitCode = story.status ?? 1;
