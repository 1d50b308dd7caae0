import { createHmac } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringToSign } from '../../controller/http/shared-key.js';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const SIZE = 2 * 1024 ** 3;
/** Streaming keeps some buffers; the file is many times as large. */
const GROWTH_MAX_BYTES = SIZE / 16;

let controller: StartedController;
beforeAll(async () => {
  controller = await startController();
});
afterAll(() => controller.stop());

/** Resident memory in bytes. */
const memoryOf = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);

/** The agents of this controller's process nodes. */
function agents(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('agent.mjs') && command.includes(controller.dataDirectory);
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);
}

/** Reads to the end without keeping anything; calls `look` all the while. */
function drain(path: string, look: () => void): Promise<{ status: number; bytes: number }> {
  const url = `${path}?api-version=2022-10-01.16.0`;
  const headers = { 'ocp-date': new Date().toUTCString() };
  const text = stringToSign({ method: 'GET', url, headers }, controller.account, 'SharedKey');
  const signature = createHmac('sha256', Buffer.from(controller.key, 'base64')).update(text);
  const authorization = `SharedKey ${controller.account}:${signature.digest('base64')}`;
  const { hostname, port } = new URL(controller.url);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path: url, headers: { ...headers, authorization } };
    const sent = request(options, (answer) => {
      let bytes = 0;
      let next = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes < next) return;
        next += SIZE / 64;
        look();
      });
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, bytes });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('a file of 2 GB', () => {
  it('is read with little memory in the controller and the agent', async () => {
    const client = batchClient(controller);
    await client.pool.add({
      id: 'large',
      vmSize: 'standard_d1_v2',
      targetDedicatedNodes: 1,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
      },
    });
    await client.job.add({ id: 'large', poolInfo: { poolId: 'large' } });
    // It has no blocks on the disk, only its length.
    const commandLine = `/bin/sh -c 'truncate -s ${String(SIZE)} big; truncate -s 67108864 warm'`;
    await client.task.add('large', { id: 'k', commandLine });
    await waitFor(
      'the task to complete',
      async () => (await client.task.get('large', 'k')).state === 'completed',
    );
    const [agent = 0] = agents();
    const path = (name: string) => `/jobs/large/tasks/k/files/wd/${name}`;
    // Buffers and compiled code of a first read are no part of the growth.
    await drain(path('warm'), () => undefined);
    const before = { controller: memoryOf(controller.pid), agent: memoryOf(agent) };
    const growth = { controller: 0, agent: 0 };
    const read = await drain(path('big'), () => {
      growth.controller = Math.max(growth.controller, memoryOf(controller.pid) - before.controller);
      growth.agent = Math.max(growth.agent, memoryOf(agent) - before.agent);
    });
    expect(read).toEqual({ status: 200, bytes: SIZE });
    expect(growth.controller).toBeLessThan(GROWTH_MAX_BYTES);
    expect(growth.agent).toBeLessThan(GROWTH_MAX_BYTES);
  }, 180_000);
});
