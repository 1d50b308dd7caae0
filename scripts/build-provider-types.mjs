#!/usr/bin/env node
// Writes the type declarations of @batchyard/pulumi (provider/dist/*.d.ts). Some seconds, so it is left
// out of the build proper, and does nothing where neither a source nor the compiler's settings changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const provider = join(root, 'provider');
const SOURCES = [
  'index.ts',
  'tsconfig.json',
  'tsconfig.types.json',
  'components',
  'dynamic',
  'functions',
  'resources',
];

function filesOf(path) {
  return path.endsWith('.ts') || path.endsWith('.json')
    ? [path]
    : readdirSync(path)
        .sort()
        .flatMap((name) => filesOf(join(path, name)));
}

export function buildProviderTypes() {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap((name) => filesOf(join(provider, name))))
    hash.update(path).update(readFileSync(path));
  const digest = hash.digest('hex');
  const stamp = join(provider, 'dist', '.types');
  if (
    existsSync(join(provider, 'dist', 'types', 'provider', 'index.d.ts')) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === digest
  )
    return;
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [tsc, '-p', join(provider, 'tsconfig.types.json')], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status !== 0)
    throw new Error(
      `types of the provider: tsc ended with ${result.status ?? result.signal}\n${result.stdout}`,
    );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    buildProviderTypes();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
