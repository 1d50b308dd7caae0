import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, refusal, sh, statusOf, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
let first = '';
let second = '';
beforeAll(async () => {
  // Nodes say with each heartbeat whether they keep data.
  controller = await startController({
    configuration: { leases: { heartbeatInterval: 'PT0.5S' } },
  });
  client = batchClient(controller);
  until = waits(client);
  await client.pool.add({
    ...PROCESS_POOL,
    id: 'work',
    targetDedicatedNodes: 2,
    startTask: { commandLine: sh('echo started; sleep 0.2'), waitForSuccess: true },
  });
  const nodes = await until.nodes('work', 'idle', 2);
  first = nodes[0]?.id ?? '';
  second = nodes[1]?.id ?? '';
  // Only the first one takes tasks.
  await client.computeNode.disableScheduling('work', second);
});
afterAll(() => controller.stop());

let number = 0;
async function running(commandLine = LONG, constraints = {}) {
  const jobId = `job${String((number += 1))}`;
  await client.job.add({ id: jobId, poolInfo: { poolId: 'work' } });
  await client.task.add(jobId, { id: 't', commandLine, constraints });
  const task = await until.task(jobId, 't', 'running');
  expect(task.nodeInfo?.nodeId).toBe(first);
  return jobId;
}
function heldBack() {
  const mark = `${controller.dataDirectory}/mark${String((number += 1))}`;
  return {
    commandLine: sh(`until [ -e ${mark} ]; do sleep 0.05; done`),
    letGo: () => {
      writeFileSync(mark, '');
    },
  };
}
const end = async (jobId: string) => {
  await client.job.deleteMethod(jobId);
  await until.jobGone(jobId);
  await until.node('work', first, 'idle');
};

describe('a node', () => {
  it('reads back with every property of the contract', async () => {
    const node = await client.computeNode.get('work', first);
    expect(node).toMatchObject({
      id: first,
      state: 'idle',
      schedulingState: 'enabled',
      affinityId: `TVM:${first}`,
      vmSize: 'standard_d2_v2',
      isDedicated: true,
      totalTasksRun: 0,
      runningTasksCount: 0,
      runningTaskSlotsCount: 0,
      totalTasksSucceeded: 0,
      startTask: { waitForSuccess: true, maxTaskRetryCount: 0 },
      startTaskInfo: { state: 'completed', exitCode: 0, retryCount: 0, result: 'success' },
      url: `${controller.url}/pools/work/nodes/${first}`,
      nodeAgentInfo: { version: expect.any(String) as unknown },
      virtualMachineInfo: { imageReference: { publisher: 'batchyard' } },
    });
    expect(node.lastBootTime).toBeInstanceOf(Date);
    expect(node.allocationTime).toBeInstanceOf(Date);
    expect(node.stateTransitionTime).toBeInstanceOf(Date);
    expect(node.ipAddress).toMatch(/^[0-9a-f.:]+$/);
    expect(node.errors).toBeUndefined();
    expect(node.recentTasks ?? []).toEqual([]);
    const raw = await signedRequest(controller, 'GET', `/pools/work/nodes/${first}`);
    expect(raw.text).not.toContain('previousState');
    expect(raw.headers['etag']).toBeUndefined();
  });

  it('has an id as Azure makes them', () => {
    expect(first).toMatch(/^tvmps_[0-9a-f]{64}_d$/);
  });

  it('counts what runs, and remembers what ran', async () => {
    const jobId = await running();
    const busy = await until.node('work', first, 'running');
    expect(busy).toMatchObject({ runningTasksCount: 1, runningTaskSlotsCount: 1 });
    await client.job.deleteMethod(jobId);
    await until.jobGone(jobId);
    const before = await until.node('work', first, 'idle');
    await client.job.add({ id: 'short', poolInfo: { poolId: 'work' } });
    await client.task.add('short', { id: 'good', commandLine: '/bin/true' });
    await client.task.add('short', { id: 'bad', commandLine: sh('exit 7') });
    await until.task('short', 'good');
    await until.task('short', 'bad');
    const node = await until.node('work', first, 'idle');
    expect(node.totalTasksRun).toBe((before.totalTasksRun ?? 0) + 2);
    expect(node.totalTasksSucceeded).toBe((before.totalTasksSucceeded ?? 0) + 1);
    const bad = node.recentTasks?.find(
      ({ taskId, jobId: of }) => taskId === 'bad' && of === 'short',
    );
    expect(bad).toMatchObject({
      taskState: 'completed',
      taskUrl: `${controller.url}/jobs/short/tasks/bad`,
      executionInfo: { exitCode: 7, result: 'failure', failureInfo: { code: 'FailureExitCode' } },
    });
    // Its data would be kept on the node for seven days, across reboots.
    await end('short');
    const after = await client.computeNode.get('work', first);
    const name = { taskId: 'bad', jobId: 'short', taskUrl: bad?.taskUrl };
    expect(after.recentTasks).toContainEqual({ ...name, taskState: 'completed' });
  });

  it('is unknown by a wrong id, and so is its pool', async () => {
    await expect(client.computeNode.get('work', 'none')).rejects.toMatchObject(
      refusal(404, 'NodeNotFound'),
    );
    await expect(client.computeNode.list('none')).rejects.toMatchObject(
      refusal(404, 'PoolNotFound'),
    );
    await expect(client.computeNode.reboot('work', 'none')).rejects.toMatchObject(
      refusal(404, 'NodeNotFound'),
    );
  });
});

describe('lists of nodes', () => {
  const list = async (options: BatchServiceModels.ComputeNodeListOptions) =>
    (await client.computeNode.list('work', { computeNodeListOptions: options })).map(
      ({ id }) => id,
    );
  it('filter by every property of the contract', async () => {
    const past = "DateTime'2020-01-01T00:00:00Z'";
    await until.node('work', second, 'offline');
    for (const [filter, ids] of [
      [`state eq 'idle'`, [first]],
      [`state ne 'idle'`, [second]],
      [`stateTransitionTime gt ${past}`, [first, second]],
      [`lastBootTime lt ${past}`, []],
      [`allocationTime ge ${past}`, [first, second]],
      [`startTaskInfo/state eq 'completed'`, [first, second]],
      [`startTaskInfo/result eq 'failure'`, []],
      [`startTaskInfo/exitCode eq 0`, [first, second]],
      [`startTaskInfo/startTime gt ${past} and startTaskInfo/endTime gt ${past}`, [first, second]],
    ] as const)
      expect([filter, await list({ filter })]).toEqual([filter, ids]);
    await expect(list({ filter: `vmSize eq 'x'` })).rejects.toMatchObject(
      refusal(400, 'InvalidQueryParameterValue'),
    );
  });

  it('select and page', async () => {
    const options = { maxResults: 1, select: 'id,state' };
    const page = await client.computeNode.list('work', { computeNodeListOptions: options });
    expect(page).toHaveLength(1);
    expect(page[0]?.vmSize).toBeUndefined();
    const rest = await client.computeNode.listNext(page.odatanextLink ?? '');
    expect([page[0]?.id, rest[0]?.id]).toEqual([first, second]);
    expect(rest.odatanextLink).toBeUndefined();
  });
});

describe('scheduling', () => {
  it('is disabled with requeue by default, at once; offline once nothing runs', async () => {
    const jobId = await running();
    expect(statusOf(await client.computeNode.disableScheduling('work', first))).toBe(200);
    expect((await client.computeNode.get('work', first)).schedulingState).toBe('disabled');
    await until.node('work', first, 'offline');
    const task = await client.task.get(jobId, 't');
    expect(task.state).toBe('active');
    expect(task.executionInfo?.requeueCount).toBe(1);
    await expect(client.computeNode.disableScheduling('work', first)).rejects.toMatchObject(
      refusal(409, 'NodeAlreadyInTargetSchedulingState'),
    );
    expect(statusOf(await client.computeNode.enableScheduling('work', first))).toBe(200);
    expect((await client.computeNode.get('work', first)).schedulingState).toBe('enabled');
    await until.task(jobId, 't', 'running');
    await expect(client.computeNode.enableScheduling('work', first)).rejects.toMatchObject(
      refusal(409, 'NodeAlreadyInTargetSchedulingState'),
    );
    await end(jobId);
  });

  it('is disabled with terminate by ending what runs', async () => {
    const jobId = await running();
    await client.computeNode.disableScheduling('work', first, {
      nodeDisableSchedulingOption: 'terminate',
    });
    const { executionInfo } = await until.task(jobId, 't');
    expect(executionInfo?.failureInfo?.code).toBe('TaskEnded');
    await until.node('work', first, 'offline');
    await client.computeNode.enableScheduling('work', first);
    await end(jobId);
  });

  it('is disabled with taskcompletion by waiting', async () => {
    const { commandLine, letGo } = heldBack();
    const jobId = await running(commandLine);
    await client.computeNode.disableScheduling('work', first, {
      nodeDisableSchedulingOption: 'taskcompletion',
    });
    expect(await client.computeNode.get('work', first)).toMatchObject({
      schedulingState: 'disabled',
      state: 'running',
    });
    letGo();
    expect((await until.task(jobId, 't')).executionInfo?.result).toBe('success');
    await until.node('work', first, 'offline');
    await client.computeNode.enableScheduling('work', first);
    await end(jobId);
  });
});

describe.each(['reboot', 'reimage'] as const)('%s', (verb) => {
  const restart = (option?: BatchServiceModels.ComputeNodeRebootOption) =>
    verb === 'reboot'
      ? client.computeNode.reboot('work', first, option && { nodeRebootOption: option })
      : client.computeNode.reimage('work', first, option && { nodeReimageOption: option });
  const state = `${verb}ing`.replace('reimageing', 'reimaging');

  it('runs the start task again, and keeps id and allocation time', async () => {
    const before = await client.computeNode.get('work', first);
    expect(statusOf(await restart())).toBe(202);
    expect([state, 'starting', 'creating']).toContain(
      (await client.computeNode.get('work', first)).state,
    );
    await expect(restart()).rejects.toMatchObject({ statusCode: 409 });
    const after = await until.node('work', first, 'idle');
    expect(after.allocationTime).toEqual(before.allocationTime);
    expect(after.lastBootTime?.getTime()).toBeGreaterThan(before.lastBootTime?.getTime() ?? 0);
    expect(after.startTaskInfo?.startTime.getTime()).toBeGreaterThan(
      before.startTaskInfo?.startTime.getTime() ?? 0,
    );
  });

  it('requeues what runs by default', async () => {
    const jobId = await running();
    await restart();
    await waitFor('a requeue', async () => {
      const { executionInfo } = await client.task.get(jobId, 't');
      return executionInfo?.requeueCount === 1;
    });
    await until.task(jobId, 't', 'running');
    await end(jobId);
  });

  it('ends what runs with terminate', async () => {
    const jobId = await running();
    await restart('terminate');
    const { executionInfo } = await until.task(jobId, 't');
    expect(executionInfo?.failureInfo?.code).toBe('TaskEnded');
    await end(jobId);
  });

  it('waits for what runs with taskcompletion', async () => {
    const { commandLine, letGo } = heldBack();
    const jobId = await running(commandLine);
    const { lastBootTime } = await client.computeNode.get('work', first);
    await restart('taskcompletion');
    expect((await client.computeNode.get('work', first)).state).toBe(state);
    expect((await client.task.get(jobId, 't')).state).toBe('running');
    letGo();
    expect((await until.task(jobId, 't')).executionInfo).toMatchObject({
      result: 'success',
      requeueCount: 0,
    });
    const node = await until.node('work', first, 'idle');
    expect(node.lastBootTime?.getTime()).toBeGreaterThan(lastBootTime?.getTime() ?? 0);
    await end(jobId);
  });

  it('waits with retaineddata until what ran keeps no data any more', async () => {
    const { commandLine, letGo } = heldBack();
    const jobId = await running(commandLine, { retentionTime: 'PT2S' });
    const old = (await client.computeNode.get('work', first)).lastBootTime?.getTime() ?? 0;
    await restart('retaineddata');
    letGo();
    await until.task(jobId, 't');
    expect((await client.computeNode.get('work', first)).state).toBe(state);
    const node = await until.node('work', first, 'idle');
    expect(node.lastBootTime?.getTime()).toBeGreaterThan(old);
    await end(jobId);
  });
});

describe('node counts', () => {
  it('have every state of both kinds for every pool, zeros included', async () => {
    await client.pool.add({ ...PROCESS_POOL, id: 'empty' });
    const counts = await client.account.listPoolNodeCounts();
    const of = (id: string) => counts.find(({ poolId }) => poolId === id);
    await until.node('work', first, 'idle');
    const none = {
      creating: 0,
      idle: 0,
      offline: 0,
      preempted: 0,
      rebooting: 0,
      reimaging: 0,
      running: 0,
      starting: 0,
      startTaskFailed: 0,
      leavingPool: 0,
      unknown: 0,
      unusable: 0,
      waitingForStartTask: 0,
      total: 0,
    };
    expect(of('empty')).toEqual({ poolId: 'empty', dedicated: none, lowPriority: none });
    expect(of('work')).toEqual({
      poolId: 'work',
      dedicated: { ...none, idle: 1, offline: 1, total: 2 },
      lowPriority: none,
    });
    const filter = "poolId eq 'work'";
    const one = await client.account.listPoolNodeCounts({
      accountListPoolNodeCountsOptions: { filter },
    });
    expect(one.map(({ poolId }) => poolId)).toEqual(['work']);
  });
});
