import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const pool: BatchServiceModels.PoolSpecification = {
  vmSize: 'standard_d1_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
  targetDedicatedNodes: 1,
};
const auto = (
  more: Partial<BatchServiceModels.AutoPoolSpecification> = {},
): BatchServiceModels.PoolInformation => ({
  autoPoolSpecification: { poolLifetimeOption: 'job', pool, ...more },
});
const GUID = '[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}';

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
});
afterAll(() => controller.stop());

const poolIdOf = async (jobId: string) =>
  (await client.job.get(jobId)).executionInfo?.poolId ?? 'none';
const gone = (poolId: string) =>
  waitFor('the pool to go', async () => !(await client.pool.exists(poolId)).body);

describe('auto pools', () => {
  it('exist when the add is answered, run the tasks, and go when the job completes', async () => {
    await client.job.add({
      id: 'own',
      poolInfo: auto({ autoPoolIdPrefix: 'mine' }),
      onAllTasksComplete: 'terminatejob',
    });
    const job = await client.job.get('own');
    expect(job.poolInfo).toMatchObject({
      autoPoolSpecification: {
        autoPoolIdPrefix: 'mine',
        poolLifetimeOption: 'job',
        keepAlive: false,
        pool: { vmSize: 'standard_d1_v2', targetDedicatedNodes: 1 },
      },
    });
    const poolId = job.executionInfo?.poolId ?? '';
    expect(poolId).toMatch(new RegExp(`^mine_${GUID}$`));
    expect((await client.pool.get(poolId)).state).toBe('active');
    const filtered = await client.job.list({
      jobListOptions: { filter: `executionInfo/poolId eq '${poolId}'` },
    });
    expect(filtered.map(({ id }) => id)).toEqual(['own']);
    await client.task.add('own', { id: 'only', commandLine: '/bin/true' });
    await waitFor('the job to complete', async () => {
      return (await client.job.get('own')).state === 'completed';
    });
    expect((await client.task.get('own', 'only')).nodeInfo?.poolId).toBe(poolId);
    expect(await poolIdOf('own')).toBe(poolId);
    await gone(poolId);
  });

  it('without a prefix are named by a GUID, and may be kept alive', async () => {
    await client.job.add({ id: 'kept', poolInfo: auto({ keepAlive: true }) });
    const poolId = await poolIdOf('kept');
    expect(poolId).toMatch(new RegExp(`^${GUID}$`));
    await client.job.deleteMethod('kept');
    await waitFor('the job to go', async () => {
      return !(await client.job.list()).some(({ id }) => id === 'kept');
    });
    expect((await client.pool.exists(poolId)).body).toBe(true);
    await client.pool.deleteMethod(poolId);
    await gone(poolId);
  });

  it('may be scaled by a formula', async () => {
    const { targetDedicatedNodes: _targets, ...rest } = pool;
    const scaled = {
      ...rest,
      enableAutoScale: true,
      autoScaleFormula: '$TargetDedicatedNodes = 0;',
    };
    await client.job.add({ id: 'scaled', poolInfo: auto({ pool: scaled }) });
    const poolId = await poolIdOf('scaled');
    expect(await client.pool.get(poolId)).toMatchObject({
      enableAutoScale: true,
      autoScaleFormula: '$TargetDedicatedNodes = 0;',
    });
    await client.job.deleteMethod('scaled');
    await gone(poolId);
  });

  it('that can not be made end their job with a scheduling error', async () => {
    await client.job.add({
      id: 'impossible',
      poolInfo: auto({ pool: { ...pool, vmSize: 'standard_unheard_of' } }),
    });
    await waitFor('the job to end', async () => {
      return (await client.job.get('impossible')).state === 'completed';
    });
    expect((await client.job.get('impossible')).executionInfo?.schedulingError).toMatchObject({
      category: 'usererror',
      code: 'InvalidAutoPoolSettings',
    });
  });

  it('change only keepAlive, and only while the job is disabled', async () => {
    await client.job.add({ id: 'changing', poolInfo: auto() });
    const patch = (poolInfo: BatchServiceModels.PoolInformation) =>
      client.job.patch('changing', { poolInfo });
    await expect(patch(auto({ keepAlive: true }))).rejects.toMatchObject({ statusCode: 409 });
    const { poolInfo = {} } = await client.job.get('changing');
    expect((await client.job.update('changing', { poolInfo, priority: 5 }))._response.status).toBe(
      200,
    );
    await client.job.disable('changing', 'requeue');
    await waitFor('the job to be disabled', async () => {
      return (await client.job.get('changing')).state === 'disabled';
    });
    await expect(patch({ poolId: 'other' })).rejects.toMatchObject({ statusCode: 400 });
    expect((await patch(auto({ keepAlive: true })))._response.status).toBe(200);
    expect((await client.job.get('changing')).poolInfo?.autoPoolSpecification?.keepAlive).toBe(
      true,
    );
    await patch({ autoPoolSpecification: { poolLifetimeOption: 'job', keepAlive: false } });
    expect((await client.job.get('changing')).poolInfo).toEqual(poolInfo);
    const poolId = await poolIdOf('changing');
    await client.job.terminate('changing');
    await gone(poolId);
  });

  it('of a schedule are shared or not, as their lifetime says', async () => {
    await expect(
      client.job.add({ id: 'alone', poolInfo: auto({ poolLifetimeOption: 'jobschedule' }) }),
    ).rejects.toMatchObject({ statusCode: 400 });
    for (const poolLifetimeOption of ['job', 'jobschedule'] as const) {
      const id = `by-${poolLifetimeOption}`;
      await client.jobSchedule.add({
        id,
        schedule: {},
        jobSpecification: { poolInfo: auto({ poolLifetimeOption }) },
      });
      const poolId = await poolIdOf(`${id}:job-1`);
      expect(poolId).toMatch(new RegExp(`^${GUID}$`));
      await client.jobSchedule.deleteMethod(id);
      await gone(poolId);
    }
  });
});
