import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
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
  controller = await startController({ configuration: { quotas: { activeJobsAndSchedules: 20 } } });
  client = batchClient(controller);
  for (const id of ['nodes', 'others'])
    await client.pool.add({ ...pool, id, targetDedicatedNodes: 1 });
  for (const id of ['nodes', 'others'])
    await waitFor('an idle node', async () =>
      (await client.computeNode.list(id)).find(({ state }) => state === 'idle'),
    );
});
afterAll(() => controller.stop());

const poolInfo = { poolId: 'nodes' };
const inState = (jobId: string, state: BatchServiceModels.JobState) =>
  waitFor(`the job to be ${state}`, async () => {
    const job = await client.job.get(jobId);
    return job.state === state && job;
  });
const taskInState = (jobId: string, taskId: string, state: BatchServiceModels.TaskState) =>
  waitFor(`the task to be ${state}`, async () => {
    const task = await client.task.get(jobId, taskId);
    return task.state === state && task;
  });
/** A job whose failing task says what shall become of the job. */
async function fail(
  id: string,
  exitCode: number,
  task: Partial<BatchServiceModels.TaskAddParameter> = {},
) {
  await client.job.add({ id, poolInfo, onTaskFailure: 'performexitoptionsjobaction' });
  await client.task.add(id, { id: 'failing', commandLine: sh(`exit ${exitCode}`), ...task });
  await taskInState(id, 'failing', 'completed');
}

describe('what the end of a task does to its job', () => {
  it('is to terminate it, where nothing else is said', async () => {
    await fail('by-default', 1);
    const { executionInfo } = await inState('by-default', 'completed');
    expect(executionInfo?.terminateReason).toBe('TaskFailed');
  });

  it('is what its exit conditions say, for codes, ranges and errors', async () => {
    const terminate = { jobAction: 'terminate' } as const;
    const none = { jobAction: 'none' } as const;
    await fail('by-code', 3, {
      exitConditions: { exitCodes: [{ code: 3, exitOptions: { jobAction: 'disable' } }] },
    });
    await inState('by-code', 'disabled');
    await fail('by-range', 5, {
      exitConditions: {
        exitCodeRanges: [{ start: 4, end: 6, exitOptions: none }],
        default: terminate,
      },
    });
    expect((await client.job.get('by-range')).state).toBe('active');
    await fail('by-error', 0, {
      commandLine: 'no-such-program',
      exitConditions: { preProcessingError: terminate, default: none },
    });
    await inState('by-error', 'completed');
    await fail('by-success', 0, { exitConditions: { default: terminate } });
    expect((await client.job.get('by-success')).state).toBe('active');
  });

  it('comes only after its retries are used up', async () => {
    await fail('retried', 1, { constraints: { maxTaskRetryCount: 2 } });
    await inState('retried', 'completed');
    const { executionInfo } = await client.task.get('retried', 'failing');
    expect(executionInfo?.retryCount).toBe(2);
  });

  it('is refused on a job that takes no such actions', async () => {
    await client.job.add({ id: 'no-action', poolInfo });
    await expect(
      client.task.add('no-action', {
        id: 'a',
        commandLine: 'x',
        exitConditions: { default: { jobAction: 'terminate' } },
      }),
    ).rejects.toMatchObject({ statusCode: 400, code: 'InvalidPropertyValue' });
  });
});

describe('a job', () => {
  it('moves to another pool while it is disabled, and only then', async () => {
    await client.job.add({ id: 'moving', poolInfo });
    const toOthers = () => client.job.patch('moving', { poolInfo: { poolId: 'others' } });
    await expect(toOthers()).rejects.toMatchObject({ statusCode: 409 });
    await client.job.disable('moving', 'requeue');
    await inState('moving', 'disabled');
    await toOthers();
    expect((await client.job.get('moving')).executionInfo?.poolId).toBe('others');
    await client.task.add('moving', { id: 'a', commandLine: '/bin/true' });
    await client.job.enable('moving');
    const { nodeInfo } = await taskInState('moving', 'a', 'completed');
    expect(nodeInfo?.poolId).toBe('others');
  });

  it('of higher priority comes first, also when its priority is patched', async () => {
    await client.job.add({ id: 'blocker', poolInfo });
    await client.task.add('blocker', { id: 'a', commandLine: sh('sleep 1') });
    await taskInState('blocker', 'a', 'running');
    for (const [id, priority] of [
      ['low', -10],
      ['raised', -20],
      ['high', 10],
    ] as const) {
      await client.job.add({ id, poolInfo, priority });
      await client.task.add(id, { id: 'a', commandLine: '/bin/true' });
    }
    await client.job.patch('raised', { priority: 1000 });
    const ends = await Promise.all(
      ['raised', 'high', 'low'].map(
        async (id) => (await taskInState(id, 'a', 'completed')).executionInfo?.startTime,
      ),
    );
    const times = ends.map((time) => time?.getTime() ?? 0);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('runs no more tasks at once than it may', async () => {
    await client.pool.add({ ...pool, id: 'wide', targetDedicatedNodes: 1, taskSlotsPerNode: 4 });
    await client.job.add({ id: 'narrow', poolInfo: { poolId: 'wide' }, maxParallelTasks: 2 });
    await client.task.addCollection(
      'narrow',
      Array.from({ length: 4 }, (_, n) => ({ id: `t${n}`, commandLine: sh('sleep 0.7') })),
    );
    const seen = new Set<number>();
    await waitFor('all tasks', async () => {
      const { taskCounts } = await client.job.getTaskCounts('narrow');
      seen.add(taskCounts.running);
      return taskCounts.completed === 4;
    });
    expect(Math.max(...seen)).toBe(2);
  });

  it('runs a task near the node that it names, if it is free', async () => {
    await client.pool.resize('others', { targetDedicatedNodes: 2 });
    const nodes = await waitFor('two idle nodes', async () => {
      const idle = (await client.computeNode.list('others')).filter(
        ({ state }) => state === 'idle',
      );
      return idle.length === 2 && idle;
    });
    await client.job.add({ id: 'near', poolInfo: { poolId: 'others' } });
    for (const [n, { id, affinityId = '' }] of nodes.entries()) {
      const taskId = `t${n}`;
      await client.task.add('near', {
        id: taskId,
        commandLine: '/bin/true',
        affinityInfo: { affinityId },
      });
      const { nodeInfo } = await taskInState('near', taskId, 'completed');
      expect(nodeInfo).toMatchObject({ nodeId: id, affinityId });
    }
  });

  it('is one of so many that the account may have active, schedules included', async () => {
    const add = (id: string) => client.job.add({ id, poolInfo });
    const refused = { statusCode: 409, code: 'ActiveJobAndScheduleQuotaReached' };
    const live = (await client.job.list()).filter(({ state }) => state !== 'completed').length;
    for (let n = live; n < 19; n += 1) await add(`quota-${n}`);
    const later = new Date(Date.now() + 3_600_000);
    const schedule = { schedule: { doNotRunUntil: later }, jobSpecification: { poolInfo } };
    await client.jobSchedule.add({ id: 'quota-schedule', ...schedule });
    await expect(add('beyond')).rejects.toMatchObject(refused);
    await expect(
      client.jobSchedule.add({ id: 'beyond-schedule', ...schedule }),
    ).rejects.toMatchObject(refused);
    await client.job.terminate('near');
    await inState('near', 'completed');
    await add('beyond');
  });
});
