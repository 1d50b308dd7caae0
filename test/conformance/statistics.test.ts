import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const pool = {
  id: 'work',
  vmSize: 'standard_d1_v2',
  targetDedicatedNodes: 1,
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
};

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add(pool);
  await client.job.add({ id: 'job', poolInfo: { poolId: 'work' } });
  await client.task.addCollection('job', [
    { id: 'good', commandLine: "/bin/sh -c 'sleep 0.2'" },
    { id: 'bad', commandLine: '/bin/false', constraints: { maxTaskRetryCount: 1 } },
  ]);
  await waitFor('the tasks to complete', async () => {
    return (await client.job.getTaskCounts('job')).taskCounts.completed === 2;
  });
});
afterAll(() => controller.stop());

const stats = { expand: 'stats' };

it('of jobs and tasks come on demand, from what was counted', async () => {
  const job = await client.job.get('job', { jobGetOptions: stats });
  const { numSucceededTasks, numFailedTasks, numTaskRetries, userCPUTime } = job.stats ?? {};
  expect([numSucceededTasks, numFailedTasks, numTaskRetries].map(Number)).toEqual([1, 1, 1]);
  expect(userCPUTime).toMatch(/^P/);
  expect((await client.job.get('job')).stats).toBeUndefined();
  const task = await client.task.get('job', 'good', { taskGetOptions: stats });
  const seconds = Number(/^PT([\d.]+)S$/.exec(task.stats?.wallClockTime ?? '')?.[1]);
  expect(seconds).toBeGreaterThanOrEqual(0.2);
  const listed = await client.task.list('job', { taskListOptions: stats });
  expect(listed.every((one) => one.stats !== undefined)).toBe(true);
  const selected = { select: 'id', expand: 'stats' };
  const [without] = await client.job.list({ jobListOptions: selected });
  expect(without).not.toHaveProperty('stats');
  await expect(client.job.get('job', { jobGetOptions: { expand: 'all' } })).rejects.toMatchObject({
    statusCode: 400,
    code: 'InvalidQueryParameterValue',
  });
});

it('of job schedules count all their jobs, those that are gone included', async () => {
  const started = { commandLine: '/bin/true', id: 'manager' };
  await client.jobSchedule.add({
    id: 'often',
    schedule: { recurrenceInterval: 'PT1M' },
    jobSpecification: { poolInfo: { poolId: 'work' }, jobManagerTask: started },
  });
  const read = async () =>
    (await client.jobSchedule.get('often', { jobScheduleGetOptions: stats })).stats;
  await waitFor('the task of the first job to be counted', async () => {
    return Number((await read())?.numSucceededTasks) === 1;
  });
  await client.job.deleteMethod('often:job-1');
  await waitFor('the job to go', async () => {
    return (await client.job.listFromJobSchedule('often')).every(({ id }) => id !== 'often:job-1');
  });
  expect(Number((await read())?.numSucceededTasks)).toBe(1);
  expect((await read())?.url).toContain('/jobschedules/often');
  const [listed] = await client.jobSchedule.list({ jobScheduleListOptions: stats });
  expect(Number(listed?.stats?.numSucceededTasks)).toBe(1);
  expect((await client.jobSchedule.get('often')).stats).toBeUndefined();
  const all = { expand: 'all' };
  const refused = { statusCode: 400, code: 'InvalidQueryParameterValue' };
  await expect(
    client.jobSchedule.get('often', { jobScheduleGetOptions: all }),
  ).rejects.toMatchObject(refused);
  await expect(client.jobSchedule.list({ jobScheduleListOptions: all })).rejects.toMatchObject(
    refused,
  );
  await client.jobSchedule.deleteMethod('often');
  await waitFor('the job schedule to go', async () => {
    return (await client.jobSchedule.list()).length === 0;
  });
});

it('of pools tell the core time of their nodes', async () => {
  const found = await client.pool.get('work', { poolGetOptions: stats });
  expect(found.stats?.usageStats?.dedicatedCoreTime).toMatch(/^PT/);
  expect(found.stats?.url).toContain('/pools/work');
});

it('of the account outlive what they are about', async () => {
  await client.job.deleteMethod('job');
  await waitFor('the job to go', async () => (await client.job.list()).length === 0);
  const jobs = await client.job.getAllLifetimeStatistics();
  // The job manager of the schedule's job is one of them.
  expect([jobs.numSucceededTasks, jobs.numFailedTasks].map(Number)).toEqual([2, 1]);
  await client.pool.deleteMethod('work');
  await waitFor('the pool to go', async () => !(await client.pool.exists('work')).body);
  const pools = await client.pool.getAllLifetimeStatistics();
  expect(pools.usageStats?.dedicatedCoreTime).toMatch(/^PT[\d.M]+S/);
});

it('of usage are told by the half hour', async () => {
  const now = Date.now();
  const options = { startTime: new Date(now - 7_200_000), endTime: new Date(now) };
  const metrics = await client.pool.listUsageMetrics({ poolListUsageMetricsOptions: options });
  for (const { poolId, totalCoreHours } of metrics) {
    expect(poolId).toBe('work');
    expect(totalCoreHours).toBeGreaterThan(0);
  }
  expect(await client.pool.listUsageMetrics()).toBeInstanceOf(Array);
});
