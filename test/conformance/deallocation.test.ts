import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { writeFileSync } from 'node:fs';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, refusal, sh, statusOf, waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

type Option = BatchServiceModels.ComputeNodeDeallocationOption;

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  // Nodes say with each heartbeat whether they keep data.
  controller = await startController({
    configuration: { leases: { heartbeatInterval: 'PT0.5S' } },
  });
  client = batchClient(controller);
  until = waits(client);
  await client.pool.add({ ...PROCESS_POOL, id: 'work', targetDedicatedNodes: 1 });
});
afterAll(() => controller.stop());

let number = 0;
/** One node that runs one task of a new job; a second task of it waits. */
async function running(commandLine = LONG, constraints = {}) {
  await until.steady('work');
  await client.pool.resize('work', { targetDedicatedNodes: 1 });
  await until.steady('work');
  await until.nodes('work', 'idle');
  const jobId = `job${String((number += 1))}`;
  await client.job.add({ id: jobId, poolInfo: { poolId: 'work' } });
  await client.task.add(jobId, { id: 't', commandLine, constraints });
  const task = await until.task(jobId, 't', 'running');
  return { jobId, nodeId: task.nodeInfo?.nodeId ?? '' };
}
/** A command that ends with 0 when the test says so. */
function heldBack() {
  const mark = `${controller.dataDirectory}/mark${String((number += 1))}`;
  return {
    commandLine: sh(`until [ -e ${mark} ]; do sleep 0.05; done`),
    letGo: () => {
      writeFileSync(mark, '');
    },
  };
}
const shrink = (option?: Option) =>
  client.pool.resize('work', {
    targetDedicatedNodes: 0,
    ...(option !== undefined && { nodeDeallocationOption: option }),
  });
const noNodes = () =>
  waitFor('the last node to go', async () => {
    const pool = await until.steady('work');
    return pool.currentDedicatedNodes === 0;
  });

describe('a resize down', () => {
  it('by default requeues what runs, which runs again when there is a node again', async () => {
    const { jobId, nodeId } = await running();
    expect(statusOf(await shrink())).toBe(202);
    await noNodes();
    const task = await client.task.get(jobId, 't');
    expect(task).toMatchObject({ state: 'active', previousState: 'running' });
    expect(task.executionInfo).toMatchObject({ requeueCount: 1, retryCount: 0 });
    expect(task.executionInfo?.failureInfo).toBeUndefined();
    await expect(client.computeNode.get('work', nodeId)).rejects.toMatchObject(
      refusal(404, 'NodeNotFound'),
    );
    await client.pool.resize('work', { targetDedicatedNodes: 1 });
    await until.task(jobId, 't', 'running');
    await client.job.deleteMethod(jobId);
    await until.jobGone(jobId);
  });

  it('with terminate ends what runs as TaskEnded, for good', async () => {
    const { jobId } = await running();
    await shrink('terminate');
    const { executionInfo } = await until.task(jobId, 't');
    expect(executionInfo).toMatchObject({
      result: 'failure',
      requeueCount: 0,
      failureInfo: { category: 'usererror', code: 'TaskEnded' },
    });
    await noNodes();
    await client.job.terminate(jobId);
  });

  it('with taskcompletion waits for what runs, and gives the node no new task', async () => {
    const { commandLine, letGo } = heldBack();
    const { jobId, nodeId } = await running(commandLine);
    await shrink('taskcompletion');
    await client.task.add(jobId, { id: 'next', commandLine: '/bin/true' });
    const node = await until.node('work', nodeId, 'leavingpool');
    expect(node.runningTasksCount).toBe(1);
    const pool = await client.pool.get('work');
    expect(pool).toMatchObject({
      allocationState: 'resizing',
      targetDedicatedNodes: 0,
      currentDedicatedNodes: 1,
    });
    expect((await client.task.get(jobId, 't')).state).toBe('running');
    letGo();
    const { executionInfo } = await until.task(jobId, 't');
    expect(executionInfo).toMatchObject({ result: 'success', exitCode: 0, requeueCount: 0 });
    await noNodes();
    expect((await client.task.get(jobId, 'next')).state).toBe('active');
    await client.job.terminate(jobId);
  });

  it('with retaineddata waits until no task of the node keeps data any more', async () => {
    const { commandLine, letGo } = heldBack();
    const { jobId, nodeId } = await running(commandLine, { retentionTime: 'PT3S' });
    await shrink('retaineddata');
    await until.node('work', nodeId, 'leavingpool');
    letGo();
    await until.task(jobId, 't');
    expect((await client.pool.get('work')).allocationState).toBe('resizing');
    expect((await client.file.listFromTask(jobId, 't')).length).toBeGreaterThan(0);
    await noNodes();
    await expect(client.file.listFromTask(jobId, 't')).rejects.toMatchObject({ statusCode: 409 });
    await client.job.terminate(jobId);
  });

  it('with retaineddata goes on once the data is deleted before its time', async () => {
    const { commandLine, letGo } = heldBack();
    const { jobId, nodeId } = await running(commandLine);
    await shrink('retaineddata');
    letGo();
    await until.task(jobId, 't');
    await until.node('work', nodeId, 'leavingpool');
    await client.task.deleteMethod(jobId, 't');
    await noNodes();
    await client.job.terminate(jobId);
  });

  it('takes idle nodes first', async () => {
    const { jobId, nodeId } = await running();
    await client.pool.resize('work', { targetDedicatedNodes: 2 });
    await waitFor('a second node', async () =>
      (await client.computeNode.list('work')).some(({ state }) => state === 'idle'),
    );
    await until.steady('work');
    await client.pool.resize('work', { targetDedicatedNodes: 1 });
    await until.steady('work');
    const left = await client.computeNode.list('work');
    expect(left.map(({ id }) => id)).toEqual([nodeId]);
    expect((await client.task.get(jobId, 't')).executionInfo?.requeueCount).toBe(0);
    await client.job.deleteMethod(jobId);
    await until.jobGone(jobId);
  });
});

describe('stopping a resize', () => {
  it('keeps a node that still waits for its task, and the targets as they were', async () => {
    const { commandLine, letGo } = heldBack();
    const { jobId, nodeId } = await running(commandLine);
    const { eTag } = await client.pool.get('work');
    await shrink('taskcompletion');
    expect((await client.pool.get('work')).eTag).not.toBe(eTag);
    expect(statusOf(await client.pool.stopResize('work'))).toBe(202);
    const pool = await until.steady('work');
    expect(pool).toMatchObject({ currentDedicatedNodes: 1, targetDedicatedNodes: 0 });
    expect(pool.resizeErrors?.map(({ code }) => code)).toEqual(['ResizeStopped']);
    expect((await client.computeNode.get('work', nodeId)).state).toBe('running');
    letGo();
    await until.task(jobId, 't');
    await client.pool.resize('work', { targetDedicatedNodes: 1 });
    const after = await until.steady('work');
    expect(after.resizeErrors).toBeUndefined();
    expect((await client.computeNode.list('work')).map(({ id }) => id)).toEqual([nodeId]);
    await client.job.terminate(jobId);
  });
});

describe('removing nodes', () => {
  it('by default requeues what runs on them, and lowers the target', async () => {
    const { jobId, nodeId } = await running();
    expect(statusOf(await client.pool.removeNodes('work', { nodeList: [nodeId] }))).toBe(202);
    await noNodes();
    expect((await client.pool.get('work')).targetDedicatedNodes).toBe(0);
    const task = await client.task.get(jobId, 't');
    expect(task.state).toBe('active');
    expect(task.executionInfo?.requeueCount).toBe(1);
    await client.job.terminate(jobId);
  });

  it('with terminate ends what runs on them', async () => {
    const { jobId, nodeId } = await running();
    const nodeDeallocationOption = 'terminate';
    await client.pool.removeNodes('work', { nodeList: [nodeId], nodeDeallocationOption });
    const { executionInfo } = await until.task(jobId, 't');
    expect(executionInfo?.failureInfo?.code).toBe('TaskEnded');
    await noNodes();
  });

  it('with taskcompletion waits for what runs on them', async () => {
    const { commandLine, letGo } = heldBack();
    const { jobId, nodeId } = await running(commandLine);
    const nodeDeallocationOption = 'taskcompletion';
    await client.pool.removeNodes('work', { nodeList: [nodeId], nodeDeallocationOption });
    await until.node('work', nodeId, 'leavingpool');
    letGo();
    expect((await until.task(jobId, 't')).executionInfo?.result).toBe('success');
    await noNodes();
  });

  it('with retaineddata waits until no task of theirs keeps data any more', async () => {
    const { commandLine, letGo } = heldBack();
    const { jobId, nodeId } = await running(commandLine, { retentionTime: 'PT3S' });
    const nodeDeallocationOption = 'retaineddata';
    await client.pool.removeNodes('work', { nodeList: [nodeId], nodeDeallocationOption });
    await until.node('work', nodeId, 'leavingpool');
    letGo();
    await until.task(jobId, 't');
    expect((await client.file.listFromTask(jobId, 't')).length).toBeGreaterThan(0);
    await noNodes();
    await client.job.terminate(jobId);
  });

  it('is refused for nodes that are not there, for none, and while the pool resizes', async () => {
    await until.steady('work');
    const remove = (nodeList: string[]) => client.pool.removeNodes('work', { nodeList });
    await expect(remove(['nothing'])).rejects.toMatchObject({ statusCode: 404 });
    await expect(remove([])).rejects.toMatchObject({ statusCode: 400 });
    await client.pool.resize('work', { targetDedicatedNodes: 1 });
    await expect(remove(['nothing'])).rejects.toMatchObject(refusal(409, 'PoolBeingResized'));
    await until.steady('work');
  });
});

describe('a delete of the pool', () => {
  it('requeues what runs; the job stays active and its tasks wait', async () => {
    const { jobId } = await running();
    expect(statusOf(await client.pool.deleteMethod('work'))).toBe(202);
    const seen = await client.pool.get('work').catch(() => undefined);
    if (seen !== undefined) {
      expect(seen.state).toBe('deleting');
      await expect(client.pool.patch('work', { metadata: [] })).rejects.toMatchObject({
        code: expect.stringMatching(/^Pool(BeingDeleted|NotFound)$/) as unknown,
      });
    }
    await until.poolGone('work');
    expect((await client.job.get(jobId)).state).toBe('active');
    const task = await client.task.get(jobId, 't');
    expect(task.state).toBe('active');
    expect(task.executionInfo?.requeueCount).toBe(1);
    await client.pool.add({ ...PROCESS_POOL, id: 'work', targetDedicatedNodes: 1 });
    await until.task(jobId, 't', 'running');
    await client.job.deleteMethod(jobId);
  });
});
