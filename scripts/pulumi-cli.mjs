#!/usr/bin/env node
// Finds or obtains the Pulumi CLI and prints the folder to put on PATH:
//   1. `pulumi` on PATH, recent enough and with its Node language host
//   2. the cache folder, ${BATCHYARD_CACHE:-~/.cache/batchyard}/pulumi/<version>/bin
//   3. Pulumi's own release archive, where the network allows it
//   4. a build from Go modules (some minutes, once)
// Uses nothing but Node itself. --check only says what is there: exit code 1 when nothing is.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheLock } from './cache-lock.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The engine that is tested; the last language host that Go publishes as a module of its own. */
export const ENGINE_VERSION = '3.245.0';
const HOST_VERSION = '3.60.0';
/** Oldest engine whose dynamic providers get the stack's configuration (pulumi/pulumi PR 17697). */
const OLDEST_ENGINE = [3, 145, 0];
const DOWNLOAD_TIMEOUT_MS = 10_000;
const PROBE_TIMEOUT_MS = 15_000;
const PROGRESS_EVERY_MS = 15_000;
const HOST = 'pulumi-language-nodejs';
const PARTS = ['pulumi', HOST, `${HOST}-exec`, 'pulumi-resource-pulumi-nodejs'];

export function cacheFolder() {
  const cache = process.env.BATCHYARD_CACHE ?? join(homedir(), '.cache', 'batchyard');
  return join(cache, 'pulumi', ENGINE_VERSION);
}

/** The folder of a usable CLI that is already there, or undefined. Starts `pulumi version`, nothing else. */
export function findPulumi() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder && existsSync(join(folder, 'pulumi'))) {
      if (usable(folder)) return folder;
      break; // An old one in front would win anyway: take ours instead.
    }
  }
  const cached = join(cacheFolder(), 'bin');
  return usable(cached) ? cached : undefined;
}

/**
 * @param {(line: string) => void} say  where progress goes
 * @returns {Promise<string>} the folder to put in front of PATH
 * @throws Error in one line that says what was tried
 */
export async function obtainPulumi(say = (line) => console.error(line)) {
  const found = findPulumi();
  if (found) return found;
  mkdirSync(cacheFolder(), { recursive: true });
  const release = await lock(join(cacheFolder(), 'lock'), say);
  try {
    const made = findPulumi(); // by the process that held the lock
    if (made) return made;
    const refused = await download(say);
    if (refused) {
      say(`Pulumi's download is out of reach (${refused}): building it from Go modules`);
      await buildFromModules(say);
    }
    const bin = join(cacheFolder(), 'bin');
    if (!usable(bin))
      throw new Error(
        `Pulumi CLI: what was put into ${bin} does not run (try ${join(bin, 'pulumi')} version)`,
      );
    return bin;
  } finally {
    release();
  }
}

function usable(folder) {
  if (!existsSync(join(folder, 'pulumi')) || !existsSync(join(folder, HOST))) return false;
  const { status, stdout } = spawnSync(join(folder, 'pulumi'), ['version'], {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: 'true' },
  });
  const version = /^v?(\d+)\.(\d+)\.(\d+)/
    .exec(stdout?.trim() ?? '')
    ?.slice(1)
    .map(Number);
  if (status !== 0 || !version) return false;
  const first = version.findIndex((part, n) => part !== OLDEST_ENGINE[n]);
  return first === -1 || version[first] > OLDEST_ENGINE[first];
}

/** Pulumi's release archive into the cache. Resolves with the reason when it can't be had. */
async function download(say) {
  const system = { linux: 'linux', darwin: 'darwin' }[process.platform];
  const machine = { x64: 'x64', arm64: 'arm64' }[process.arch];
  if (!system || !machine) return `no archive for ${process.platform} ${process.arch}`;
  const url = `https://get.pulumi.com/releases/sdk/pulumi-v${ENGINE_VERSION}-${system}-${machine}.tar.gz`;
  const folder = mkdtempSync(join(tmpdir(), 'batchyard-pulumi-'));
  try {
    const connecting = new AbortController();
    const timer = setTimeout(() => connecting.abort(), DOWNLOAD_TIMEOUT_MS);
    const response = await fetch(url, { signal: connecting.signal }).finally(() =>
      clearTimeout(timer),
    );
    if (!response.ok) return `${url} answers ${response.status}`;
    say(`Downloading Pulumi ${ENGINE_VERSION} …`);
    writeFileSync(join(folder, 'pulumi.tar.gz'), Buffer.from(await response.arrayBuffer()));
    const unpacked = spawnSync('tar', ['-xzf', join(folder, 'pulumi.tar.gz'), '-C', folder], {
      encoding: 'utf8',
    });
    if (unpacked.status !== 0) return `tar: ${unpacked.stderr.trim()}`;
    publish(join(folder, 'pulumi'));
    return undefined;
  } catch (error) {
    return error.cause?.code ?? error.message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function buildFromModules(say) {
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.status !== 0)
    throw new Error(
      'Pulumi CLI: not on PATH, not to be downloaded, and no Go to build it with (install it from https://www.pulumi.com/docs/install/, or Go 1.24 or newer)',
    );
  const started = Date.now();
  const folder = mkdtempSync(join(cacheFolder(), 'build-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  try {
    // `go install …@version` refuses modules with replace directives, so each is built from a module of our own.
    await buildProgram(folder, say, {
      name: 'pulumi',
      module: `github.com/pulumi/pulumi/pkg/v3@v${ENGINE_VERSION}`,
      program: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
      // The Automation API refuses an engine that doesn't know its version.
      flags: [
        '-ldflags',
        `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${ENGINE_VERSION}`,
      ],
      also: [`github.com/pulumi/pulumi/sdk/v3@v${ENGINE_VERSION}`],
    });
    await buildProgram(folder, say, {
      name: HOST,
      module: `github.com/pulumi/pulumi/sdk/v3@v${HOST_VERSION}`,
      program: 'github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs',
      flags: ['-ldflags', '-s -w'],
      also: [],
    });
    writeScripts(bin);
    publish(bin);
    say(`Pulumi ${ENGINE_VERSION} built in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function buildProgram(folder, say, { name, module, program, flags, also }) {
  const home = join(folder, `module-${name}`);
  mkdirSync(home);
  writeFileSync(join(home, 'go.mod'), `module batchyard.invalid/${name}\n\ngo 1.24\n`);
  writeFileSync(
    join(home, 'tools.go'),
    `//go:build tools\n\npackage tools\n\nimport _ "${program}"\n`,
  );
  await step(`${name}: fetching Go modules`, home, ['get', module, ...also], say);
  await step(
    `${name}: compiling (minutes, once)`,
    home,
    ['build', '-trimpath', ...flags, '-o', join(folder, 'bin', name), program],
    say,
  );
}

/** Runs one go command at low priority, with a line now and then that it is still at it. */
async function step(what, cwd, args, say) {
  const started = Date.now();
  say(`  ${what} …`);
  const child = spawn('nice', ['-n', '10', 'go', ...args], {
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
  const beat = setInterval(
    () => say(`  ${what}: ${Math.round((Date.now() - started) / 1000)} s`),
    PROGRESS_EVERY_MS,
  );
  const [code, signal] = await once(child, 'close').finally(() => clearInterval(beat));
  if (code === 0) return;
  const reason = errors
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('go: downloading'))
    .slice(-3)
    .join(' | ');
  throw new Error(`Pulumi CLI: go ${args[0]} (${what}) ended with ${code ?? signal}: ${reason}`);
}

/** The host of 3.60 starts these two by name; both run what the program's own @pulumi/pulumi ships. */
function writeScripts(bin) {
  const shipped = join(root, 'node_modules', '@pulumi', 'pulumi', 'pulumi-resource-pulumi-nodejs');
  const scripts = {
    [`${HOST}-exec`]: `#!/bin/sh
# Runs a program with the @pulumi/pulumi that is installed beside it.
exec node "$(node -p "require.resolve('@pulumi/pulumi/cmd/run')")" "$@"
`,
    'pulumi-resource-pulumi-nodejs': readFileSync(shipped, 'utf8'),
  };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
}

/** Puts a finished folder into place in one step, so that no half-filled one is ever found. */
function publish(folder) {
  const bin = join(cacheFolder(), 'bin');
  for (const part of PARTS)
    if (!existsSync(join(folder, part)))
      throw new Error(`Pulumi CLI: ${part} is missing from ${folder}`);
  const incoming = `${bin}.${process.pid}`;
  const copied = spawnSync('cp', ['-R', folder, incoming]);
  if (copied.status !== 0) throw new Error(`Pulumi CLI: could not copy to ${incoming}`);
  rmSync(bin, { recursive: true, force: true });
  renameSync(incoming, bin);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const folder = process.argv.includes('--check') ? findPulumi() : await obtainPulumi();
    if (!folder)
      throw new Error(
        'Pulumi CLI: not on PATH and not in the cache (node scripts/pulumi-cli.mjs gets it)',
      );
    console.log(folder);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
