#!/usr/bin/env node
// Makes what the tests of the generated SDKs use, with Pulumi's own generator as a Go library: the Node SDK
// as sources, and a Go program with the Go SDK. They lie in ${BATCHYARD_CACHE:-~/.cache/batchyard}/provider-sdks/<digest
// of schema and programs>. Half a minute where the Pulumi CLI was built here before, else some minutes once.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheLock } from './cache-lock.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SCHEMA = join(root, 'provider', 'process', 'schema.json');
const SOURCES = join(root, 'test', 'provider', 'go-sdk');
const FILES = ['go.mod', 'generate/main.go', 'program/main.go'];
const KEPT = 2;

const cache = () =>
  join(process.env.BATCHYARD_CACHE ?? join(homedir(), '.cache', 'batchyard'), 'provider-sdks');

export const hasGo = () => spawnSync('go', ['version']).status === 0;

/**
 * @param {(line: string) => void} say  where progress goes
 * @returns {Promise<{program: string, nodejs: string}>} the Go program, and the folder of the Node SDK's sources
 * @throws Error in one line
 */
export async function obtainSdks(say = (line) => console.error(line)) {
  const folder = join(cache(), digest());
  if (existsSync(folder)) return parts(folder);
  mkdirSync(cache(), { recursive: true });
  const release = await cacheLock(join(cache(), 'lock'), "building the provider's SDKs", say);
  try {
    if (!existsSync(folder)) await build(folder, say);
    return parts(folder);
  } finally {
    release();
  }
}

const parts = (folder) => ({ program: join(folder, 'program'), nodejs: join(folder, 'nodejs') });

function digest() {
  const hash = createHash('sha256').update(readFileSync(SCHEMA));
  for (const file of FILES) hash.update(readFileSync(join(SOURCES, file)));
  return hash.digest('hex').slice(0, 16);
}

async function build(folder, say) {
  const started = Date.now();
  const work = mkdtempSync(join(cache(), 'build-'));
  const done = join(work, 'done');
  try {
    for (const file of FILES) cpSync(join(SOURCES, file), join(work, file));
    mkdirSync(done);
    say('  SDKs of the provider: generating and compiling …');
    await run('go', ['build', ...FLAGS, '-o', 'generator', './generate'], work);
    await run(join(work, 'generator'), [SCHEMA, work], work);
    await run('go', ['build', ...FLAGS, '-o', join(done, 'program'), './program'], work);
    renameSync(join(work, 'nodejs'), join(done, 'nodejs'));
    prune();
    renameSync(done, folder);
    say(`  SDKs of the provider: made in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** As scripts/pulumi-cli.mjs builds the CLI: what that has compiled is used again. */
const FLAGS = ['-trimpath', '-ldflags', '-s -w'];

async function run(program, args, cwd) {
  const child = spawn('nice', ['-n', '10', program, ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      GOFLAGS: '-mod=mod',
      GOWORK: 'off',
      CGO_ENABLED: '0',
      GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? 'local',
    },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-8000)));
  const [code, signal] = await once(child, 'close');
  if (code === 0) return;
  const lines = errors.split('\n').filter((line) => line && !line.startsWith('go: downl'));
  throw new Error(
    `SDKs of the provider: ${program} ${args[0]} ended with ${code ?? signal}: ${lines.slice(-3).join(' | ')}`,
  );
}

/** Only the latest ones stay: every change of the schema makes new ones. */
function prune() {
  const old = readdirSync(cache(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]{16}$/.test(entry.name))
    .map(({ name }) => name)
    .sort(
      (one, other) => statSync(join(cache(), one)).mtimeMs - statSync(join(cache(), other)).mtimeMs,
    );
  for (const name of old.slice(0, Math.max(0, old.length - KEPT)))
    rmSync(join(cache(), name), { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log((await obtainSdks()).program);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
