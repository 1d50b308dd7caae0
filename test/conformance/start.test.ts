import { readFileSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { BATCHYARD, processesOf, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const POOL = {
  vmSize: 'standard_d1_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
    nodeAgentSKUId: 'batch.node.process',
  },
};

describe('the controller as scripts start it', () => {
  let controller: StartedController;
  beforeAll(async () => {
    controller = await startController({ tls: true });
  });
  afterAll(async () => {
    await controller.stop();
  });

  it('prints where it listens, and has the configured account at once', async () => {
    expect(controller.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await batchClient(controller).job.list()).toHaveLength(0);
  });

  it("refuses another key of the account with the service's error", async () => {
    const stranger = batchClient({ ...controller, key: Buffer.alloc(64).toString('base64') });
    await expect(stranger.job.list()).rejects.toMatchObject({
      statusCode: 403,
      code: 'AuthenticationFailed',
    });
  });

  it('speaks https with a certificate that its own CA has signed', async () => {
    const answer = await get(
      `${controller.tlsUrl ?? ''}/healthz`,
      readFileSync(controller.caFile ?? ''),
    );
    expect(answer).toMatchObject({ status: 200 });
    await expect(get(`${controller.tlsUrl ?? ''}/healthz`, undefined)).rejects.toThrow(
      /certificate/,
    );
  });

  it('keeps its secrets in files of its user alone', () => {
    const modes = ['master.key', 'ca.key', 'server.pem', 'batchyard.db'].map(
      (name) => statSync(join(controller.dataDirectory, name)).mode & 0o077,
    );
    expect(modes).toEqual([0, 0, 0, 0]);
    // Users of tasks pass through it to their own folders; they can't list it.
    expect(statSync(controller.dataDirectory).mode & 0o066).toBe(0);
  });

  it('runs tasks on process nodes that outlive it, and takes them back after SIGTERM and SIGKILL', async () => {
    const client = batchClient(controller);
    await client.pool.add({ id: 'pool', ...POOL, targetDedicatedNodes: 1 });
    await client.job.add({ id: 'job', poolInfo: { poolId: 'pool' } });
    const mark = join(controller.dataDirectory, 'go');
    const commandLine = `/bin/sh -c 'until [ -e ${mark} ]; do sleep 0.05; done; echo done'`;
    await client.task.add('job', { id: 'waiting', commandLine });
    const state = async () => (await client.task.get('job', 'waiting')).state;
    await waitFor('the task to run', async () => (await state()) === 'running');

    expect(await controller.terminate()).toBe(0);
    expect(processesOf(controller.dataDirectory).length).toBeGreaterThanOrEqual(2);
    await controller.restart();
    expect(await state()).toBe('running');
    await controller.kill();
    await once(spawn('touch', [mark]), 'exit');
    await controller.restart();
    await waitFor('the task to end', async () => (await state()) === 'completed');
    const task = await client.task.get('job', 'waiting');
    expect(task.executionInfo).toMatchObject({ exitCode: 0, requeueCount: 0 });
  });

  it('makes a node again all of whose processes have died, and runs the task again there', async () => {
    const client = batchClient(controller);
    const mark = join(controller.dataDirectory, 'second');
    const commandLine = `/bin/sh -c 'if [ -e ${mark} ]; then exit 0; fi; until [ -e ${mark} ]; do sleep 0.05; done; sleep 60'`;
    await client.task.add('job', { id: 'murder', commandLine });
    await waitFor(
      'the first run',
      async () => (await client.task.get('job', 'murder')).state === 'running',
    );
    for (const pid of processesOf(controller.dataDirectory))
      if (pid !== controller.pid) process.kill(pid, 'SIGKILL');
    writeFileSync(mark, '');
    await waitFor(
      'the task to end',
      async () => (await client.task.get('job', 'murder')).state === 'completed',
      { timeoutMs: 50_000 },
    );
    const task = await client.task.get('job', 'murder');
    // Only the second run can end with 0; the loss of a node uses up no retry.
    expect(task.executionInfo).toMatchObject({ exitCode: 0, retryCount: 0 });
  });

  it('leaves no process and no folder of a pool that is deleted', async () => {
    const client = batchClient(controller);
    await client.pool.deleteMethod('pool');
    await waitFor('the pool to be gone', async () => (await client.pool.list()).length === 0);
    expect(processesOf(controller.dataDirectory)).toEqual([controller.pid]);
    expect(() => statSync(join(controller.dataDirectory, 'nodes', controller.account))).toThrow(
      /ENOENT/,
    );
  });
});

describe('a controller that is started with nothing but a data folder', () => {
  it('makes an admin token for its user alone, and keeps it', async () => {
    const folder = tempDirectory('start');
    const data = join(folder.path, 'data');
    const tokens: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      const child = spawn(process.execPath, [
        BATCHYARD,
        'controller',
        '--data',
        data,
        '--listen',
        '127.0.0.1:0',
      ]);
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      expect(JSON.parse(line.toString())).toMatchObject({ ready: true });
      const file = join(data, 'admin-token');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      tokens.push(readFileSync(file, 'utf8'));
      child.kill('SIGTERM');
      expect((await once(child, 'exit'))[0]).toBe(0);
    }
    expect(tokens[0]).toBe(tokens[1]);
    folder.remove();
  });
});

function get(url: string, ca: Buffer | undefined): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { agent: false, ...(ca === undefined ? {} : { ca }) }, (response) => {
        response.resume().once('end', () => {
          resolve({ status: response.statusCode });
        });
      })
      .once('error', reject);
  });
}
