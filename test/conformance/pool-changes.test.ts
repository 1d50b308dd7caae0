import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
  await client.pool.add({ ...PROCESS_POOL, id: 'pool', targetDedicatedNodes: 2 });
  await until.nodes('pool', 'idle', 2);
});
afterAll(() => controller.stop());

interface Late {
  id: string;
  poolVersion: number;
  pendingChanges?: string[];
  lastBootTime: string;
}
const nodes = async () => {
  const { text } = await signedRequest(controller, 'GET', '/pools/pool/nodes');
  return (JSON.parse(text) as { value: Late[] }).value;
};

describe('a start task that is given to a pool with nodes', () => {
  it('is named by each node until its next boot', async () => {
    const startTask = { commandLine: '/bin/sh -c "echo late"', waitForSuccess: true };
    await client.pool.patch('pool', { startTask });
    expect((await nodes()).map((node) => [node.poolVersion, node.pendingChanges])).toEqual([
      [1, ['startTask']],
      [1, ['startTask']],
    ]);
    const [first] = await nodes();
    await client.computeNode.reboot('pool', first?.id ?? '');
    const booted = await waitFor('the node with the start task', async () => {
      const node = (await nodes()).find(({ id }) => id === first?.id);
      return node?.poolVersion === 2 && node;
    });
    expect(booted).not.toHaveProperty('pendingChanges');
    await until.nodes('pool', 'idle', 2);
    const { startTaskInfo } = await client.computeNode.get('pool', first?.id ?? '');
    expect(startTaskInfo).toMatchObject({ result: 'success' });
  });
});

describe('Pool_UpgradeImage', () => {
  it('reimages every node, and the pool tells how many are still to come', async () => {
    const before = await nodes();
    const body = {
      imageReference: PROCESS_POOL.virtualMachineConfiguration.imageReference,
      maxParallelNodes: 1,
    };
    const answer = await signedRequest(controller, 'POST', '/pools/pool/upgradeimage', {
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(202);
    const pool = async () =>
      JSON.parse((await signedRequest(controller, 'GET', '/pools/pool')).text) as {
        imageUpgrade?: object;
      };
    expect((await pool()).imageUpgrade).toMatchObject({ remainingNodes: 2, maxParallelNodes: 1 });
    await waitFor('the end of the upgrade', async () => (await pool()).imageUpgrade === undefined);
    const after = await nodes();
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    for (const [n, node] of after.entries()) {
      expect(node.lastBootTime > (before[n]?.lastBootTime ?? '')).toBe(true);
      expect(node).not.toHaveProperty('pendingChanges');
    }
  });

  it('is refused for an image that is not offered', async () => {
    const body = { imageReference: { publisher: 'a', offer: 'b', sku: 'c' } };
    const answer = await signedRequest(controller, 'POST', '/pools/pool/upgradeimage', {
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('imageReference');
  });
});
