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

/** How much the controller and an agent grow at most while `work` is under way. */
async function growthDuring(
  agent: number,
  work: (look: () => void) => Promise<void>,
): Promise<{ controller: number; agent: number }> {
  const before = { controller: memoryOf(controller.pid), agent: memoryOf(agent) };
  const growth = { controller: 0, agent: 0 };
  await work(() => {
    growth.controller = Math.max(growth.controller, memoryOf(controller.pid) - before.controller);
    growth.agent = Math.max(growth.agent, memoryOf(agent) - before.agent);
  });
  return growth;
}

describe('a file of 2 GB', () => {
  let client: ReturnType<typeof batchClient>;
  let agent = 0;
  beforeAll(async () => {
    client = batchClient(controller);
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
    await completed('k');
    agent = agents()[0] ?? 0;
  });
  const completed = (id: string, look: () => void = () => undefined) =>
    waitFor(
      `the task ${id} to complete`,
      async () => {
        look();
        return (await client.task.get('large', id)).state === 'completed';
      },
      { timeoutMs: 150_000 },
    );

  it('is read with little memory in the controller and the agent', async () => {
    const path = (name: string) => `/jobs/large/tasks/k/files/wd/${name}`;
    // Buffers and compiled code of a first read are no part of the growth.
    await drain(path('warm'), () => undefined);
    const growth = await growthDuring(agent, async (look) => {
      expect(await drain(path('big'), look)).toEqual({ status: 200, bytes: SIZE });
    });
    expect(growth.controller).toBeLessThan(GROWTH_MAX_BYTES);
    expect(growth.agent).toBeLessThan(GROWTH_MAX_BYTES);
  }, 180_000);

  it('is uploaded as an output file with little memory in both, and arrives whole', async () => {
    const container = `${controller.url}/storage/${controller.account}/out`;
    const asAdmin = { authorization: `Bearer ${controller.adminToken}` };
    const made = await fetch(`${container}?restype=container`, { method: 'PUT', headers: asAdmin });
    expect(made.status).toBe(201);
    const upload = (id: string, bytes: number) =>
      client.task.add('large', {
        id,
        commandLine: `/bin/sh -c 'truncate -s ${String(bytes)} ${id}'`,
        outputFiles: [
          {
            filePattern: id,
            destination: { container: { containerUrl: container, path: id } },
            uploadOptions: { uploadCondition: 'tasksuccess' },
          },
        ],
      });
    await upload('small', SIZE / 32);
    await completed('small');
    const growth = await growthDuring(agent, async (look) => {
      await upload('large', SIZE);
      await completed('large', look);
    });
    expect((await client.task.get('large', 'large')).executionInfo?.result).toBe('success');
    const head = await fetch(`${container}/large`, { method: 'HEAD', headers: asAdmin });
    expect([head.status, Number(head.headers.get('content-length'))]).toEqual([200, SIZE]);
    expect(growth.controller).toBeLessThan(GROWTH_MAX_BYTES);
    expect(growth.agent).toBeLessThan(GROWTH_MAX_BYTES);
  }, 180_000);
});
