import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal, waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController({
    configuration: {
      quotas: { dedicatedCores: 5, lowPriorityCores: 2, pools: 2, activeJobsAndSchedules: 3 },
    },
  });
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

// Two cores a node.
const add = (id: string, more: object = {}) => client.pool.add({ ...PROCESS_POOL, id, ...more });
const HOME =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/batchyard/providers/Microsoft.Batch/batchAccounts';
async function manage(method: string, account: string, body?: object) {
  const answer = await fetch(`${controller.url}${HOME}/${account}?api-version=2023-11-01`, {
    method,
    headers: {
      authorization: `Bearer ${controller.adminToken}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as { properties?: Record<string, unknown> };
}

describe('the quota of cores', () => {
  it('lets a resize make as many nodes as it allows, then says why there are no more', async () => {
    await add('cores', { targetDedicatedNodes: 3, targetLowPriorityNodes: 2 });
    const pool = await until.steady('cores');
    expect(pool).toMatchObject({
      currentDedicatedNodes: 2,
      targetDedicatedNodes: 3,
      currentLowPriorityNodes: 1,
      targetLowPriorityNodes: 2,
    });
    const codes = pool.resizeErrors?.map(({ code }) => code).sort();
    expect(codes).toEqual(['AccountCoreQuotaReached', 'AccountLowPriorityCoreQuotaReached']);
  });

  it('counts the nodes of all pools', async () => {
    await add('more', { targetDedicatedNodes: 1 });
    const pool = await until.steady('more');
    expect(pool.currentDedicatedNodes).toBe(0);
    expect(pool.resizeErrors?.[0]?.code).toBe('AccountCoreQuotaReached');
  });

  it('is free again when nodes go', async () => {
    await client.pool.resize('cores', { targetDedicatedNodes: 0, targetLowPriorityNodes: 0 });
    expect((await until.steady('cores')).resizeErrors).toBeUndefined();
    await client.pool.resize('more', { targetDedicatedNodes: 2 });
    const pool = await until.steady('more');
    expect(pool.currentDedicatedNodes).toBe(2);
    expect(pool.resizeErrors).toBeUndefined();
  });
});

describe('the quota of pools', () => {
  it('refuses one pool more', async () => {
    await expect(add('third')).rejects.toMatchObject(refusal(409, 'PoolQuotaReached'));
    expect((await client.pool.exists('third')).body).toBe(false);
    await client.pool.deleteMethod('cores');
    await until.poolGone('cores');
    await add('third');
  });
});

describe('the quota of active jobs and schedules', () => {
  const poolInfo = { poolId: 'nowhere' };
  it('refuses one more, but does not count what is completed', async () => {
    await client.job.add({ id: 'a', poolInfo });
    const doNotRunUntil = new Date(Date.now() + 3_600_000);
    const later = { schedule: { doNotRunUntil }, jobSpecification: { poolInfo } };
    await client.jobSchedule.add({ id: 's', ...later });
    await client.job.add({ id: 'b', poolInfo });
    const refused = refusal(409, 'ActiveJobAndScheduleQuotaReached');
    await expect(client.job.add({ id: 'c', poolInfo })).rejects.toMatchObject(refused);
    await expect(client.jobSchedule.add({ id: 't', ...later })).rejects.toMatchObject(refused);
    await client.job.terminate('a');
    await until.job('a', 'completed');
    await client.job.add({ id: 'c', poolInfo });
    await expect(client.job.add({ id: 'd', poolInfo })).rejects.toMatchObject(refused);
    await client.job.disable('c', 'requeue');
    await expect(client.job.add({ id: 'd', poolInfo })).rejects.toMatchObject(refused);
  });
});

describe('the quotas of an account', () => {
  it('are told by the management plane', async () => {
    expect((await manage('GET', controller.account)).properties).toMatchObject({
      dedicatedCoreQuota: 5,
      lowPriorityCoreQuota: 2,
      poolQuota: 2,
      activeJobAndJobScheduleQuota: 3,
    });
  });

  it('are those of the configuration for an account that is made later', async () => {
    const { properties } = await manage('PUT', 'another', { location: 'local' });
    expect(properties).toMatchObject({ poolQuota: 2, dedicatedCoreQuota: 5 });
  });

  it('are changed by who holds the admin token', async () => {
    const change = { properties: { poolQuota: 3 } };
    expect((await manage('PATCH', controller.account, change)).properties).toMatchObject({
      poolQuota: 3,
      dedicatedCoreQuota: 5,
    });
    await add('fourth');
  });
});
