#!/usr/bin/env node
// Builds the MinIO server from its Go module, once, and prints its path: a real S3 server for the tests.
// It lies in ${BATCHYARD_CACHE:-~/.cache/batchyard}/minio/<version>/minio. Uses nothing but Node and Go;
// with an empty Go cache it takes some minutes (docs/storage.md). --check only says whether it is there.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheLock } from './cache-lock.mjs';

/** A commit: the tags of the project are no versions that Go knows. */
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const MODULE = 'github.com/minio/minio';
const PROGRESS_EVERY_MS = 15_000;

function folder() {
  const cache = process.env.BATCHYARD_CACHE ?? join(homedir(), '.cache', 'batchyard');
  return join(cache, 'minio', VERSION);
}

export function findMinio() {
  const path = join(folder(), 'minio');
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}

/**
 * @param {(line: string) => void} say  where progress goes
 * @returns {Promise<string>} the path of the program
 * @throws Error in one line
 */
export async function obtainMinio(say = (line) => console.error(line)) {
  const found = findMinio();
  if (found) return found;
  if (spawnSync('go', ['version']).status !== 0)
    throw new Error('MinIO: there is no Go to build it with (1.24 or newer)');
  mkdirSync(folder(), { recursive: true });
  const release = await lock(join(folder(), 'lock'), say);
  try {
    return findMinio() ?? (await build(say));
  } finally {
    release();
  }
}

/** Into a folder of its own first: no half-written program is ever found. */
async function build(say) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const bin = mkdtempSync(join(folder(), 'build-'));
  say('  MinIO: fetching and compiling its Go modules (minutes, once) …');
  const args = ['install', '-trimpath', '-ldflags', '-s -w', `${MODULE}@${VERSION}`];
  const child = spawn('nice', ['-n', '10', 'go', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      GOBIN: bin,
      GOFLAGS: '',
      GOWORK: 'off',
      CGO_ENABLED: '0',
      GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? 'local',
    },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-8000)));
  const beat = setInterval(() => say(`  MinIO: ${seconds()} s`), PROGRESS_EVERY_MS);
  try {
    const [code, signal] = await once(child, 'close').finally(() => clearInterval(beat));
    if (code !== 0) {
      const lines = errors.split('\n').filter((line) => line && !line.startsWith('go: downl'));
      throw new Error(
        `MinIO: go install ended with ${code ?? signal}: ${lines.slice(-3).join(' | ')}`,
      );
    }
    const path = join(folder(), 'minio');
    renameSync(join(bin, 'minio'), path);
    say(`  MinIO: built in ${seconds()} s`);
    return path;
  } finally {
    rmSync(bin, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const path = process.argv.includes('--check') ? findMinio() : await obtainMinio();
    if (!path) throw new Error('MinIO: not built yet (node scripts/minio.mjs does it)');
    console.log(path);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
