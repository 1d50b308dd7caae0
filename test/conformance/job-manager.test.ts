import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const sh = (script: string) => `/bin/sh -c '${script}'`;
const pool = {
  vmSize: 'standard_d1_v2',
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
  await client.pool.add({ ...pool, id: 'nodes', targetDedicatedNodes: 1, taskSlotsPerNode: 2 });
  await client.pool.add({ ...pool, id: 'spot', targetLowPriorityNodes: 1 });
  for (const id of ['nodes', 'spot'])
    await waitFor('an idle node', async () =>
      (await client.computeNode.list(id)).find(({ state }) => state === 'idle'),
    );
});
afterAll(() => controller.stop());

const poolInfo = { poolId: 'nodes' };
const ended = (jobId: string) =>
  waitFor('the job to end', async () => {
    const job = await client.job.get(jobId);
    return job.state === 'completed' && job;
  });
async function outputOf(jobId: string, taskId: string): Promise<string> {
  const { readableStreamBody } = await client.file.getFromTask(jobId, taskId, 'stdout.txt');
  const chunks: Buffer[] = [];
  for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString();
}

describe('a job manager task', () => {
  it('is a task of its job from the start, and ends the job when it completes', async () => {
    await client.job.add({
      id: 'managed',
      poolInfo,
      jobManagerTask: {
        id: 'manager',
        commandLine: sh('echo $AZ_BATCH_JOB_ID $AZ_BATCH_TASK_ID $AZ_BATCH_ACCOUNT_URL'),
      },
    });
    expect((await client.job.get('managed')).jobManagerTask).toMatchObject({
      killJobOnCompletion: true,
      runExclusive: true,
      allowLowPriorityNode: true,
    });
    expect((await ended('managed')).executionInfo?.terminateReason).toBe('JMComplete');
    expect(await outputOf('managed', 'manager')).toBe(`managed manager ${controller.url}\n`);
  });

  it('kills the running tasks of its job with its own end', async () => {
    await client.job.add({
      id: 'killing',
      poolInfo,
      jobManagerTask: { id: 'manager', commandLine: sh('sleep 1'), runExclusive: false },
    });
    await client.task.add('killing', { id: 'long', commandLine: sh('sleep 600') });
    await ended('killing');
    expect(await client.task.get('killing', 'long')).toMatchObject({
      state: 'completed',
      executionInfo: { result: 'failure', failureInfo: { code: 'TaskEnded' } },
    });
  });

  it('has a node for itself unless it says otherwise, and comes before other tasks', async () => {
    await client.job.add({ id: 'filler', poolInfo });
    await client.task.add('filler', { id: 'first', commandLine: sh('sleep 1'), requiredSlots: 2 });
    await client.job.add({
      id: 'exclusive',
      poolInfo,
      jobManagerTask: {
        id: 'manager',
        commandLine: sh('sleep 1'),
        killJobOnCompletion: false,
      },
    });
    await client.task.add('exclusive', { id: 'after', commandLine: '/bin/true' });
    const [manager, after] = await waitFor('both tasks', async () => {
      const tasks = await Promise.all(
        ['manager', 'after'].map((id) => client.task.get('exclusive', id)),
      );
      return tasks.every(({ state }) => state === 'completed') && tasks;
    });
    expect(after?.executionInfo?.startTime?.getTime()).toBeGreaterThanOrEqual(
      manager?.executionInfo?.endTime?.getTime() ?? Infinity,
    );
    expect((await client.job.get('exclusive')).state).toBe('active');
  });

  it('may refuse low-priority nodes', async () => {
    const nodes = await client.computeNode.list('spot');
    expect(nodes[0]?.isDedicated).toBe(false);
    expect(nodes[0]?.id).toMatch(/_p$/);
    expect(await client.pool.get('spot')).toMatchObject({
      currentLowPriorityNodes: 1,
      currentDedicatedNodes: 0,
    });
    const manager = { id: 'manager', commandLine: sh('echo $AZ_BATCH_NODE_IS_DEDICATED') };
    const spot = { poolId: 'spot' };
    await client.job.add({
      id: 'picky',
      poolInfo: spot,
      jobManagerTask: { ...manager, allowLowPriorityNode: false },
    });
    await client.job.add({ id: 'easy', poolInfo: spot, jobManagerTask: manager });
    await ended('easy');
    expect(await outputOf('easy', 'manager')).toBe('false\n');
    expect((await client.task.get('picky', 'manager')).state).toBe('active');
  });

  it('is started again when its node is taken away', async () => {
    await client.job.add({
      id: 'moved',
      poolInfo,
      jobManagerTask: { id: 'manager', commandLine: sh('sleep 2') },
    });
    const running = await waitFor('the manager to run', async () => {
      const task = await client.task.get('moved', 'manager');
      return task.state === 'running' && task;
    });
    await client.pool.removeNodes('nodes', { nodeList: [running.nodeInfo?.nodeId ?? ''] });
    await waitFor('the manager to wait', async () => {
      return (await client.task.get('moved', 'manager')).state === 'active';
    });
    await waitFor('the pool to be steady', async () => {
      return (await client.pool.get('nodes')).allocationState === 'steady';
    });
    await client.pool.resize('nodes', { targetDedicatedNodes: 1 });
    expect((await ended('moved')).executionInfo?.terminateReason).toBe('JMComplete');
    const task = await client.task.get('moved', 'manager');
    expect(task.nodeInfo?.nodeId).not.toBe(running.nodeInfo?.nodeId);
    expect(task.executionInfo).toMatchObject({ retryCount: 0, result: 'success' });
  });
});
