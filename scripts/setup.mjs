#!/usr/bin/env node
// Makes a fresh clone ready: installs the npm packages when they are missing or the lock file changed,
// and builds dist/. Uses nothing but Node itself, so that it runs before any package is there.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];

function run(command, args, what) {
  const started = Date.now();
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error)
    throw new Error(`${what}: ${command} could not be started: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(
      `${what}: ${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`,
    );
  return Math.round((Date.now() - started) / 1000);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]))
    throw new Error(
      `Node ${process.versions.node} is too old: Batchyard needs ${OLDEST_NODE.join('.')} or newer`,
    );
}

/**
 * @param {(line: string) => void} say  where progress goes
 * @throws Error in one line that names the step that failed
 */
export function setUp(say = (line) => console.error(line)) {
  checkNode();
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.batchyard-lock');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    say(
      'Installing npm packages (once; a native package is compiled where no ready-made one can be had: a minute or two) …',
    );
    // A clean install on a fresh clone; what is there already is only brought up to date.
    const verb = existsSync(join(root, 'node_modules')) ? 'install' : 'ci';
    const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
    const seconds = run('npm', [verb, ...flags], 'npm packages');
    writeFileSync(stamp, lock);
    say(`npm packages installed in ${seconds} s`);
  }
  run(process.execPath, ['scripts/build.mjs'], 'build');
  run(process.execPath, ['scripts/build-provider-types.mjs'], 'types of the provider');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setUp();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
