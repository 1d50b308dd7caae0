#!/usr/bin/env node
// npm test: set-up, the house's checks, then every suite the machine allows.
//   npm test                          everything
//   npm test -- --project core        one folder of test/ (any Vitest flag works); skips the checks
//   BATCHYARD_REQUIRE_ALL=1 npm test  a suite that would be skipped is a failure
import { spawnSync } from 'node:child_process';
import { root, setUp } from './setup.mjs';

const phases = [];
function phase(name, action) {
  const started = Date.now();
  const ok = action();
  phases.push({ name, seconds: (Date.now() - started) / 1000, ok });
  return ok;
}
const run = (command, args) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: process.env }).status === 0;

const wanted = process.argv.slice(2);
let passed;
try {
  passed = phase('set-up', () => (setUp(), true));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
if (wanted.length === 0)
  passed =
    phase('checks (types, lint, rooms, unused, format)', () =>
      run('npm', ['run', '--silent', 'check']),
    ) && passed;
passed = phase('suites', () => run('npx', ['vitest', 'run', ...wanted])) && passed;

console.log('\nWhat took how long:');
for (const { name, seconds, ok } of phases)
  console.log(`  ${ok ? 'ok    ' : 'FAILED'} ${seconds.toFixed(0).padStart(5)} s  ${name}`);
process.exitCode = passed ? 0 : 1;
