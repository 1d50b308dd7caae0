import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const EARLY = '2015-12-01.2.2';
const OLD = '2016-07-01.3.1';
const RECENT = '2019-06-01.9.0';

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
});
afterAll(() => controller.stop());

async function call(version: string, method: string, path: string, body?: object) {
  const answer = await signedRequest(controller, method, path, {
    version,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = answer.text === '' ? {} : (JSON.parse(answer.text) as Record<string, unknown>);
  return { status: answer.status, json };
}

const machine = {
  imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
  nodeAgentSKUId: 'batch.node.process',
};

it('of 2016 speak of targetDedicated, maxTasksPerNode, blobSource and runElevated', async () => {
  const pool = {
    id: 'old',
    vmSize: 'standard_d1_v2',
    virtualMachineConfiguration: machine,
    targetDedicated: 1,
    maxTasksPerNode: 2,
    startTask: { commandLine: '/bin/true', runElevated: false },
  };
  expect((await call(OLD, 'POST', '/pools', pool)).status).toBe(201);
  const today = await client.pool.get('old');
  expect(today).toMatchObject({ targetDedicatedNodes: 1, taskSlotsPerNode: 2 });
  expect(today.startTask).toMatchObject({
    waitForSuccess: false,
    userIdentity: { autoUser: { scope: 'task', elevationLevel: 'nonadmin' } },
  });
  const { json } = await call(OLD, 'GET', '/pools/old');
  expect(json).toMatchObject({ targetDedicated: 1, maxTasksPerNode: 2 });
  expect(json).toMatchObject({ startTask: { runElevated: false } });
  for (const name of ['targetDedicatedNodes', 'taskSlotsPerNode', 'currentDedicatedNodes'])
    expect(json).not.toHaveProperty(name);
  const selected = await call(OLD, 'GET', '/pools/old?$select=id,targetDedicated');
  expect(selected.json).toMatchObject({ id: 'old', targetDedicated: 1 });
  expect(selected.json).not.toHaveProperty('vmSize');
});

it('of 2016 tell failures as schedulingError, and counts flat', async () => {
  const job = { id: 'job', poolInfo: { poolId: 'old' } };
  expect((await call(OLD, 'POST', '/jobs', job)).status).toBe(201);
  const files = [{ blobSource: `${controller.url}/healthz`, filePath: 'health' }];
  const tasks = [
    { id: 'exits', commandLine: "/bin/sh -c 'cat health; exit 3'", resourceFiles: files },
    { id: 'missing', commandLine: '/no/such/program' },
  ];
  for (const task of tasks)
    expect((await call(OLD, 'POST', '/jobs/job/tasks', task)).status).toBe(201);
  await waitFor('the tasks to complete', async () => {
    return (await client.job.getTaskCounts('job')).taskCounts.completed === 2;
  });
  const exits = (await call(OLD, 'GET', '/jobs/job/tasks/exits')).json;
  expect(exits).toMatchObject({
    resourceFiles: [{ blobSource: files[0]?.blobSource }],
    executionInfo: { exitCode: 3 },
    constraints: { retentionTime: 'P10675199DT2H48M5.4775807S' },
  });
  expect(exits.executionInfo).not.toHaveProperty('schedulingError');
  expect(exits.executionInfo).not.toHaveProperty('result');
  const missing = (await call(OLD, 'GET', '/jobs/job/tasks')).json.value as object[];
  expect(missing).toContainEqual(
    expect.objectContaining({
      id: 'missing',
      executionInfo: expect.objectContaining({
        schedulingError: expect.objectContaining({ code: 'CommandProgramNotFound' }) as object,
      }) as object,
    }),
  );
  const counts = (await call(RECENT, 'GET', '/jobs/job/taskcounts')).json;
  expect(counts).toMatchObject({ active: 0, completed: 2, failed: 2 });
  expect((await call('2018-03-01.6.1', 'GET', '/jobs/job/taskcounts')).json).toMatchObject({
    validationStatus: 'validated',
  });
});

it('of 2016 tell a time-out by its own exit code, and as an error of the service', async () => {
  const constraints = { maxWallClockTime: 'PT1S' };
  const task = { id: 'long', commandLine: "/bin/sh -c 'sleep 60'", constraints };
  expect((await call(OLD, 'POST', '/jobs/job/tasks', task)).status).toBe(201);
  await waitFor(
    'its end',
    async () => (await client.task.get('job', 'long')).state === 'completed',
  );
  const { executionInfo } = (await call(OLD, 'GET', '/jobs/job/tasks/long')).json;
  expect(executionInfo).toMatchObject({
    exitCode: 0xc000013a | 0,
    schedulingError: { category: 'servererror', code: 'TaskEnded' },
  });
  const recent = (await call(RECENT, 'GET', '/jobs/job/tasks/long')).json.executionInfo;
  expect(recent).toMatchObject({ failureInfo: { category: 'usererror', code: 'TaskEnded' } });
});

it('of 2016 tell failures of preparation and release tasks as schedulingError, too', async () => {
  const job = {
    id: 'special',
    poolInfo: { poolId: 'old' },
    jobPreparationTask: { commandLine: '/no/such/program', waitForSuccess: false },
    jobReleaseTask: { commandLine: "/bin/sh -c 'exit 4'" },
  };
  expect((await call(OLD, 'POST', '/jobs', job)).status).toBe(201);
  const task = { id: 'task', commandLine: '/bin/true' };
  expect((await call(OLD, 'POST', '/jobs/special/tasks', task)).status).toBe(201);
  await waitFor(
    'its end',
    async () => (await client.task.get('special', 'task')).state === 'completed',
  );
  await client.job.terminate('special');
  await waitFor(
    'the job to complete',
    async () => (await client.job.get('special')).state === 'completed',
  );
  const path = '/jobs/special/jobpreparationandreleasetaskstatus';
  const { value } = (await call(OLD, 'GET', path)).json as { value: Record<string, object>[] };
  const preparation = value[0]?.['jobPreparationTaskExecutionInfo'];
  expect(preparation).toMatchObject({ schedulingError: { code: 'CommandProgramNotFound' } });
  const release = value[0]?.['jobReleaseTaskExecutionInfo'];
  expect(release).toMatchObject({ state: 'completed', exitCode: 4 });
  expect(release).not.toHaveProperty('schedulingError');
  for (const info of [preparation, release])
    for (const name of ['failureInfo', 'result']) expect(info).not.toHaveProperty(name);
});

it('before 2016-02 name actions in the query', async () => {
  const { status } = await call(EARLY, 'POST', '/jobs/job?disable', { disableTasks: 'requeue' });
  expect(status).toBe(202);
  await waitFor('the job to rest', async () => (await client.job.get('job')).state === 'disabled');
  expect((await call(EARLY, 'POST', '/jobs/job?enable')).status).toBe(202);
});

it('before 2019-06 list node agent SKUs', async () => {
  const { json } = await call('2018-12-01.8.0', 'GET', '/nodeagentskus');
  expect(json.value).toContainEqual(
    expect.objectContaining({
      id: 'batch.node.process',
      osType: 'linux',
      verifiedImageReferences: [expect.objectContaining({ offer: 'process' })],
    }),
  );
});

it('before 2018-08 upgrade the OS of pools with cloudServiceConfiguration, node by node', async () => {
  const CLOUD = '2017-05-01.5.0';
  const early = { id: 'cloud', vmSize: 'small', osFamily: '4', targetDedicated: 2 };
  expect((await call(EARLY, 'POST', '/pools', early)).status).toBe(201);
  const idle = async () => {
    const nodes = await client.computeNode.list('cloud');
    return nodes.length === 2 && nodes.every(({ state }) => state === 'idle');
  };
  await waitFor('two nodes', idle, { timeoutMs: 30_000 });
  expect((await call(EARLY, 'GET', '/pools/cloud')).json).toMatchObject({
    osFamily: '4',
    targetOSVersion: '*',
    currentOSVersion: '*',
    state: 'active',
  });
  const boots = async () =>
    new Map(
      (await client.computeNode.list('cloud')).map((node) => [
        node.id,
        node.lastBootTime?.getTime() ?? 0,
      ]),
    );
  const before = await boots();
  const target = { targetOSVersion: 'WA-GUEST-OS-4.99' };
  const upgrade = (body: object, pool = 'cloud') =>
    call(CLOUD, 'POST', `/pools/${pool}/upgradeos`, body);
  expect((await upgrade(target)).status).toBe(202);
  expect((await call(CLOUD, 'GET', '/pools/cloud')).json).toMatchObject({
    state: 'upgrading',
    cloudServiceConfiguration: { ...target, currentOSVersion: '*' },
  });
  expect((await client.pool.get('cloud')).state).toBe('active');
  expect(await upgrade({ targetOSVersion: 'WA-GUEST-OS-4.98' })).toMatchObject({
    status: 409,
    json: { code: 'UpgradePoolVersionConflict' },
  });
  await waitFor(
    'the upgrade to end',
    async () => (await call(CLOUD, 'GET', '/pools/cloud')).json['state'] === 'active',
    { timeoutMs: 30_000 },
  );
  await waitFor('the nodes to be back', idle, { timeoutMs: 30_000 });
  expect((await call(CLOUD, 'GET', '/pools/cloud')).json).toMatchObject({
    cloudServiceConfiguration: { ...target, currentOSVersion: target.targetOSVersion },
  });
  const after = await boots();
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [id, time] of after) expect(time).toBeGreaterThan(before.get(id) ?? Infinity);
  expect(await upgrade(target)).toMatchObject({
    status: 400,
    json: { code: 'PoolVersionEqualsUpgradeVersion' },
  });
  expect(await upgrade(target, 'old')).toMatchObject({
    status: 400,
    json: { code: 'PoolNotEligibleForOSVersionUpgrade' },
  });
  expect(await upgrade(target, 'none')).toMatchObject({ status: 404 });
});

it.each([
  ['POST', '/pools/cloud/upgradeos', '2018-12-01.8.0'],
  ['GET', '/nodeagentskus', '2019-06-01.9.0'],
  ['GET', '/lifetimepoolstats', '2023-05-01.17.0'],
  ['GET', '/lifetimejobstats', '2023-05-01.17.0'],
])('know no %s %s any more from %s on', async (method, path, version) => {
  const { status, json } = await call(version, method, path, method === 'POST' ? {} : undefined);
  expect([status, json['code']]).toEqual([404, 'ResourceNotFound']);
});
