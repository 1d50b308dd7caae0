import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ProcessProvider } from '../../controller/effects/nodes/process/process-provider.js';
import { processesOf } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { nodeProviderContract, specification } from './node-provider.js';

const folder = tempDirectory('node-provider');
const directory = join(folder.path, 'nodes');
/** Stands for the agent: the provider only starts, finds and ends it. */
const agentFile = join(folder.path, 'agent.mjs');
writeFileSync(agentFile, 'setInterval(() => {}, 1000);');
const open = () => new ProcessProvider({ directory, agentFile });
const node = specification('tasks');
const root = join(directory, 'contract', 'pool', 'tasks');

describe('the provider of process nodes', () => {
  nodeProviderContract(
    () => Promise.resolve(open()),
    () => Promise.resolve(),
  );

  it("ends tasks that left the agent's process group with their node", async () => {
    const provider = open();
    await provider.create(node);
    const task = spawn('/bin/sleep', ['600'], {
      detached: true,
      stdio: 'ignore',
      env: { AZ_BATCH_NODE_ROOT_DIR: root },
    });
    const wanderer = spawn('/bin/sleep', ['600'], {
      detached: true,
      stdio: 'ignore',
      cwd: root,
      env: {},
    });
    const ended = Promise.all([once(task, 'exit'), once(wanderer, 'exit')]);
    await provider.destroy(node.nodeKey, 'remove');
    await ended;
    expect(existsSync(root)).toBe(false);
  });

  it('finds an agent whose record was never written', async () => {
    const provider = open();
    await provider.create(node);
    const record = join(`${root}.agent`, 'process.json');
    writeFileSync(record, '{"nodeKey": "contr');
    expect((await provider.list()).nodes).toMatchObject([{ incarnation: 1, state: 'running' }]);
    await provider.destroy(node.nodeKey, 'remove');
    expect(processesOf(directory)).toEqual([]);
  });

  it('lists its nodes beside files and folders that are none of its own, and leaves those alone', async () => {
    const provider = open();
    await provider.create(node);
    const pool = join(directory, 'contract', 'pool');
    const strays = [
      join(directory, 'README'),
      join(directory, 'contract', 'notes'),
      join(pool, 'notes'),
      join(pool, 'notes.agent'),
      join(pool, '.swp'),
    ];
    for (const file of strays) writeFileSync(file, 'kept');
    const folders = [join(directory, 'lost+found'), join(pool, 'A copy of something')];
    for (const stray of folders) mkdirSync(stray);
    const { nodes } = await provider.list();
    expect(nodes.map(({ nodeKey }) => nodeKey)).toEqual([node.nodeKey]);
    await provider.destroy(node.nodeKey, 'remove');
    for (const stray of [...strays, ...folders])
      expect([stray, existsSync(stray)]).toEqual([stray, true]);
    for (const stray of [...strays, ...folders]) rmSync(stray, { recursive: true });
  });

  it("takes a process that was given the number of an ended agent for another's", async () => {
    const provider = open();
    await provider.create(node);
    const file = join(`${root}.agent`, 'process.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    process.kill(record.pid, 'SIGKILL');
    await waitFor('the agent to be listed as stopped', async () =>
      (await provider.list()).nodes.some(({ state }) => state === 'stopped'),
    );
    const stranger = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
    writeFileSync(file, JSON.stringify({ ...record, pid: stranger.pid }));
    await provider.destroy(node.nodeKey, 'remove');
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
    stranger.kill();
    await once(stranger, 'exit');
  });

  afterAll(() => {
    expect(processesOf(directory)).toEqual([]);
    folder.remove();
  });
});
