import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  // Room for two nodes of two vCPUs.
  controller = await startController({ configuration: { processNodes: { vcpus: 4 } } });
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

const add = (id: string, more: object) => client.pool.add({ ...PROCESS_POOL, id, ...more });
const statesOf = async (poolId: string) =>
  (await client.computeNode.list(poolId)).map(({ state }) => state).sort();

describe('low-priority nodes', () => {
  it('lose their room to dedicated ones, and their tasks wait', async () => {
    await add('low', { targetLowPriorityNodes: 2 });
    await until.nodes('low', 'idle', 2);
    await client.job.add({ id: 'job', poolInfo: { poolId: 'low' } });
    await client.task.add('job', { id: 'long', commandLine: LONG });
    await until.task('job', 'long', 'running');
    await add('high', { targetDedicatedNodes: 2 });
    await until.nodes('high', 'idle', 2);
    expect(await statesOf('low')).toEqual(['preempted', 'preempted']);
    await until.task('job', 'long', 'active');
    const pool = await until.steady('high');
    expect(pool.resizeErrors).toBeUndefined();
    expect(pool).toMatchObject({ currentDedicatedNodes: 2 });
  });

  it('still count as nodes of their pool, as preempted ones', async () => {
    expect(await client.pool.get('low')).toMatchObject({
      currentLowPriorityNodes: 2,
      targetLowPriorityNodes: 2,
    });
    const counts = await client.account.listPoolNodeCounts();
    const low = counts.find(({ poolId }) => poolId === 'low');
    expect(low?.lowPriority).toMatchObject({ preempted: 2, idle: 0, total: 2 });
  });

  it('never stand in the way of dedicated nodes, which are refused only beyond what there is', async () => {
    await client.pool.resize('high', { targetDedicatedNodes: 3 });
    const pool = await until.steady('high');
    expect(pool.currentDedicatedNodes).toBe(2);
    expect(pool.resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    const reason = pool.resizeErrors?.[0]?.values?.[0]?.value;
    expect(reason).toMatch(/standard_d2_v2 \(2 vCPUs.*0 vCPUs/);
  });

  it('come back under their names when there is room again, and their tasks run', async () => {
    const before = (await client.computeNode.list('low')).map(({ id }) => id);
    await client.pool.resize('high', { targetDedicatedNodes: 0 });
    await until.task('job', 'long', 'running');
    await waitFor(
      'both nodes to be back',
      async () => (await statesOf('low')).join() === 'idle,running',
    );
    expect((await client.computeNode.list('low')).map(({ id }) => id)).toEqual(before);
    expect((await until.steady('low')).resizeErrors).toBeUndefined();
  });
});
