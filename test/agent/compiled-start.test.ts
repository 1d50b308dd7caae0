import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tempDirectory } from '../support/temp-dir.js';

const dist = (name: string) => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));

/** As on the disk of VM nodes; tells what V8 thought of the code that was kept. */
const folder = tempDirectory('compiled-start');
const place = (name: string) => join(folder.path, name);
const LOOK = `const vm = require('node:vm');
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    process.stdout.write(String(this.cachedDataRejected));
  }
};`;

const start = (program: string, environment: Record<string, string> = {}) =>
  spawnSync(process.execPath, ['--require', place('look.cjs'), ...program.split(' ')], {
    cwd: folder.path,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });

beforeAll(() => {
  for (const name of ['start.cjs', 'agent.cjs']) copyFileSync(dist(name), place(name));
  writeFileSync(place('look.cjs'), LOOK);
});

afterAll(() => folder.remove());

it('an agent starts from the code that V8 made of it before', () => {
  const made = start('start.cjs --seed none', { BATCHYARD_CODE_CACHE: place('agent.cache') });
  expect(made.status).toBe(0);
  const { stdout, stderr, status } = start('start.cjs --seed none');
  expect({ stdout, status }).toEqual({ stdout: 'false', status: 1 });
  expect(stderr).toContain("stat 'none'");
});

it('is compiled where that code is missing or of another program', () => {
  writeFileSync(place('agent.cache'), 'of another');
  const broken = start('start.cjs --seed none');
  expect(broken.stdout).toBe('true');
  expect(broken.stderr).toContain("stat 'none'");
});

it('its parent starts it so in the place of the bundle that images name, where there is such code', () => {
  copyFileSync(dist('agent.mjs'), place('agent.mjs'));
  const run = () =>
    spawnSync(
      'perl',
      [dist('survivor.pl'), process.execPath, place('agent.mjs'), '--seed', 'none'],
      {
        cwd: folder.path,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: `--require ${place('look.cjs')}` },
      },
    );
  rmSync(place('agent.cache'));
  expect(run().stdout).toBe('');
  start('start.cjs --seed none', { BATCHYARD_CODE_CACHE: place('agent.cache') });
  expect(run().stdout).toBe('false');
});
