import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, refusal, sh, statusOf, waits } from '../support/process-pool.js';
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
  const size = { targetDedicatedNodes: 1, taskSlotsPerNode: 4 };
  await client.pool.add({ ...PROCESS_POOL, id: 'work', ...size });
  await until.nodes('work', 'idle');
});
afterAll(() => controller.stop());

const work = { poolInfo: { poolId: 'work' } };
const nowhere = { poolInfo: { poolId: 'nowhere' } };
const INFINITE = 'P10675199DT2H48M5.4775807S';
const counts = async (jobId: string) => {
  const { taskCounts, taskSlotCounts } = await client.job.getTaskCounts(jobId);
  return { taskCounts, taskSlotCounts };
};

describe('a job', () => {
  it('reads back with the defaults of the contract', async () => {
    expect(statusOf(await client.job.add({ id: 'defaults', ...nowhere }))).toBe(201);
    const job = await client.job.get('defaults');
    expect(job).toMatchObject({
      id: 'defaults',
      state: 'active',
      priority: 0,
      maxParallelTasks: -1,
      constraints: { maxTaskRetryCount: 0 },
      poolInfo: { poolId: 'nowhere' },
      onAllTasksComplete: 'noaction',
      onTaskFailure: 'noaction',
      usesTaskDependencies: false,
      executionInfo: { poolId: 'nowhere' },
    });
    expect(job.executionInfo?.startTime).toBeInstanceOf(Date);
    const raw = await signedRequest(controller, 'GET', '/jobs/defaults');
    const body = JSON.parse(raw.text) as Record<string, unknown>;
    expect(body['constraints']).toEqual({ maxWallClockTime: INFINITE, maxTaskRetryCount: 0 });
    expect(body['allowTaskPreemption']).toBe(false);
    expect(body).not.toHaveProperty('previousState');
    expect(body).not.toHaveProperty('stats');
    expect(body['url']).toBe(`${controller.url}/jobs/defaults`);
  });

  it('keeps what it was added with', async () => {
    const body = {
      id: 'full',
      displayName: 'Full job',
      priority: -1000,
      maxParallelTasks: 3,
      constraints: { maxWallClockTime: 'PT90M', maxTaskRetryCount: -1 },
      commonEnvironmentSettings: [{ name: 'A', value: 'b' }],
      onAllTasksComplete: 'noaction' as const,
      onTaskFailure: 'performexitoptionsjobaction' as const,
      usesTaskDependencies: true,
      metadata: [
        { name: 'b', value: '2' },
        { name: 'a', value: '1' },
      ],
      ...nowhere,
    };
    await client.job.add(body);
    const { constraints, ...rest } = body;
    expect(await client.job.get('full')).toMatchObject(rest);
    const raw = await signedRequest(controller, 'GET', '/jobs/full');
    expect(raw.text).toContain('"maxWallClockTime":"PT1H30M"');
    expect(constraints.maxTaskRetryCount).toBe(-1);
  });

  it('is refused with the code for what is wrong', async () => {
    const add = (body: object) => client.job.add({ id: 'wrong', ...nowhere, ...body });
    for (const body of [
      { id: 'no good' },
      { id: 'x'.repeat(65) },
      { priority: 1001 },
      { priority: -1001 },
      { maxParallelTasks: 0 },
      { constraints: { maxTaskRetryCount: -2 } },
      { displayName: 'x'.repeat(1025) },
    ])
      await expect(add(body), JSON.stringify(body)).rejects.toMatchObject({ statusCode: 400 });
    await expect(client.job.add({ ...nowhere, id: 'DEFAULTS' })).rejects.toMatchObject(
      refusal(409, 'JobExists'),
    );
    await expect(client.job.get('wrong')).rejects.toMatchObject(refusal(404, 'JobNotFound'));
    await expect(add({ jobReleaseTask: { commandLine: 'x' } })).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it('accepts a pool that does not exist, and its tasks wait', async () => {
    await client.job.add({ id: 'waiting', ...nowhere });
    await client.task.add('waiting', { id: 't', commandLine: LONG });
    expect((await client.task.get('waiting', 't')).state).toBe('active');
  });
});

describe('patch', () => {
  it('replaces the named properties only, but constraints as a whole', async () => {
    await client.job.add({
      id: 'patched',
      ...nowhere,
      priority: 5,
      constraints: { maxTaskRetryCount: 3, maxWallClockTime: 'P1D' },
      metadata: [{ name: 'a', value: 'b' }],
    });
    const { eTag } = await client.job.get('patched');
    await client.job.patch('patched', { constraints: { maxWallClockTime: 'P2D' } });
    const job = await client.job.get('patched');
    expect(job).toMatchObject({ priority: 5, constraints: { maxTaskRetryCount: 0 } });
    expect(job.metadata).toEqual([{ name: 'a', value: 'b' }]);
    expect(job.eTag).not.toBe(eTag);
    await client.job.patch('patched', { metadata: [], maxParallelTasks: 7 });
    const again = await client.job.get('patched');
    expect(again.metadata ?? []).toEqual([]);
    expect(again).toMatchObject({ maxParallelTasks: 7, priority: 5 });
  });

  it('never takes terminatejob back', async () => {
    await client.job.add({ id: 'oneway', ...nowhere, onAllTasksComplete: 'terminatejob' });
    await expect(
      client.job.patch('oneway', { onAllTasksComplete: 'noaction' }),
    ).rejects.toMatchObject(refusal(400, 'InvalidPropertyValue'));
  });

  it('accepts the same pool while active, and another one only while disabled', async () => {
    await client.job.add({ id: 'moves', ...nowhere });
    await client.job.patch('moves', nowhere);
    await expect(client.job.patch('moves', work)).rejects.toMatchObject({ statusCode: 409 });
    await client.job.disable('moves', 'requeue');
    await until.job('moves', 'disabled');
    await client.job.patch('moves', work);
    await client.job.enable('moves');
    await client.task.add('moves', { id: 't', commandLine: '/bin/true' });
    expect((await until.task('moves', 't')).nodeInfo?.poolId).toBe('work');
    expect((await client.job.get('moves')).executionInfo?.poolId).toBe('work');
  });

  it('is refused once the job is over', async () => {
    await client.job.add({ id: 'over', ...nowhere });
    await client.job.terminate('over');
    await until.job('over', 'completed');
    const refused = expect.objectContaining(refusal(409, 'JobCompleted')) as unknown;
    await expect(client.job.patch('over', { priority: 1 })).rejects.toEqual(refused);
    await expect(client.job.update('over', nowhere)).rejects.toEqual(refused);
    await expect(client.job.disable('over', 'requeue')).rejects.toEqual(refused);
    await expect(client.job.enable('over')).rejects.toEqual(refused);
    await expect(client.job.terminate('over')).rejects.toEqual(refused);
    await expect(client.task.add('over', { id: 't', commandLine: 'x' })).rejects.toEqual(refused);
    const many = [{ id: 't', commandLine: 'x' }];
    await expect(client.task.addCollection('over', many)).rejects.toEqual(refused);
  });
});

describe('update', () => {
  it('puts what is absent back to its default', async () => {
    await client.job.add({
      id: 'updated',
      ...nowhere,
      displayName: 'stays',
      priority: 5,
      maxParallelTasks: 2,
      constraints: { maxTaskRetryCount: 3 },
      metadata: [{ name: 'a', value: 'b' }],
    });
    await client.job.update('updated', nowhere);
    const job = await client.job.get('updated');
    expect(job).toMatchObject({
      displayName: 'stays',
      priority: 0,
      maxParallelTasks: -1,
      constraints: { maxTaskRetryCount: 0 },
    });
    expect(job.metadata ?? []).toEqual([]);
    const body = JSON.stringify({ priority: 1 });
    const raw = await signedRequest(controller, 'PUT', '/jobs/updated', { body });
    expect([raw.status, raw.code]).toEqual([400, 'MissingRequiredProperty']);
  });
});

describe('disable', () => {
  const begin = async (jobId: string) => {
    await client.job.add({ id: jobId, ...work });
    await client.task.add(jobId, { id: 'runs', commandLine: LONG });
    await until.task(jobId, 'runs', 'running');
  };

  it('with requeue kills what runs and queues it again', async () => {
    await begin('requeues');
    expect(statusOf(await client.job.disable('requeues', 'requeue'))).toBe(202);
    const job = await until.job('requeues', 'disabled');
    expect(job.previousState).toBe('disabling');
    const task = await client.task.get('requeues', 'runs');
    expect(task).toMatchObject({ state: 'active', previousState: 'running' });
    expect(task.executionInfo).toMatchObject({ requeueCount: 1, retryCount: 0 });
    expect(task.executionInfo?.lastRequeueTime).toBeInstanceOf(Date);
    expect(task.executionInfo?.exitCode).toBeUndefined();
    await client.job.disable('requeues', 'requeue');
    expect(statusOf(await client.job.enable('requeues'))).toBe(202);
    await until.task('requeues', 'runs', 'running');
    expect((await client.job.get('requeues')).previousState).toBe('enabling');
    await client.job.deleteMethod('requeues');
  });

  it('with terminate ends what runs as TaskEnded and leaves what waits queued', async () => {
    await begin('terminates');
    const waiting = ['a', 'b', 'c', 'd'].map((id) => ({ id, commandLine: LONG }));
    await client.job.patch('terminates', { maxParallelTasks: 1 });
    await client.task.addCollection('terminates', waiting);
    await client.job.disable('terminates', 'terminate');
    await until.job('terminates', 'disabled');
    const { state, executionInfo } = await client.task.get('terminates', 'runs');
    expect(state).toBe('completed');
    expect(executionInfo).toMatchObject({
      result: 'failure',
      requeueCount: 0,
      failureInfo: { code: 'TaskEnded' },
    });
    expect((await client.task.get('terminates', 'a')).state).toBe('active');
    await client.job.deleteMethod('terminates');
  });

  it('with wait lets what runs come to its end', async () => {
    await client.job.add({ id: 'waits', ...work });
    const mark = `${controller.dataDirectory}/waits`;
    const commandLine = sh(`until [ -e ${mark} ]; do sleep 0.05; done`);
    await client.task.add('waits', { id: 'runs', commandLine });
    await until.task('waits', 'runs', 'running');
    await client.job.disable('waits', 'wait');
    await client.task.add('waits', { id: 'later', commandLine: '/bin/true' });
    expect((await client.job.get('waits')).state).toBe('disabling');
    expect((await client.task.get('waits', 'later')).state).toBe('active');
    await client.job.add({ id: 'touch', ...work });
    await client.task.add('touch', { id: 't', commandLine: `/usr/bin/touch ${mark}` });
    await until.job('waits', 'disabled');
    const { executionInfo } = await client.task.get('waits', 'runs');
    expect(executionInfo).toMatchObject({ result: 'success', exitCode: 0 });
    await client.job.enable('waits');
    await until.task('waits', 'later');
  });

  it('lets a job take tasks, and change its pool', async () => {
    await client.job.add({ id: 'takes', ...work });
    await client.job.disable('takes', 'requeue');
    await until.job('takes', 'disabled');
    await client.task.add('takes', { id: 't', commandLine: '/bin/true' });
    expect((await client.task.get('takes', 't')).state).toBe('active');
    await client.job.enable('takes');
    await until.task('takes', 't');
  });
});

describe('maxParallelTasks', () => {
  it('holds back tasks that the nodes had room for, until it is raised', async () => {
    await client.job.add({ id: 'narrow', ...work, maxParallelTasks: 1 });
    const tasks = ['a', 'b', 'c'].map((id) => ({ id, commandLine: LONG }));
    await client.task.addCollection('narrow', tasks);
    const running = async () => (await counts('narrow')).taskCounts.running;
    await waitFor('one to run', async () => (await running()) === 1);
    expect((await counts('narrow')).taskCounts).toMatchObject({ active: 2, running: 1 });
    await client.job.patch('narrow', { maxParallelTasks: 3 });
    await waitFor('all to run', async () => (await running()) === 3);
    await client.job.deleteMethod('narrow');
    await until.jobGone('narrow');
  });
});

describe('task counts', () => {
  it('follow every stage, in tasks and in slots', async () => {
    await client.job.add({ id: 'counted', ...work });
    const none = { active: 0, running: 0, completed: 0, succeeded: 0, failed: 0 };
    expect(await counts('counted')).toEqual({ taskCounts: none, taskSlotCounts: none });
    await client.job.disable('counted', 'requeue');
    await until.job('counted', 'disabled');
    await client.task.addCollection('counted', [
      { id: 'good', commandLine: '/bin/true', requiredSlots: 2 },
      { id: 'bad', commandLine: '/bin/false', requiredSlots: 3 },
      { id: 'long', commandLine: LONG },
    ]);
    expect(await counts('counted')).toEqual({
      taskCounts: { ...none, active: 3 },
      taskSlotCounts: { ...none, active: 6 },
    });
    await client.job.enable('counted');
    await until.task('counted', 'good');
    await until.task('counted', 'bad');
    await until.task('counted', 'long', 'running');
    expect(await counts('counted')).toEqual({
      taskCounts: { active: 0, running: 1, completed: 2, succeeded: 1, failed: 1 },
      taskSlotCounts: { active: 0, running: 1, completed: 5, succeeded: 2, failed: 3 },
    });
    await client.task.terminate('counted', 'long');
    await until.task('counted', 'long');
    await client.task.reactivate('counted', 'bad');
    await until.task('counted', 'bad');
    await client.task.deleteMethod('counted', 'good');
    expect((await counts('counted')).taskCounts).toEqual({ ...none, completed: 2, failed: 2 });
    await expect(client.job.getTaskCounts('unheard')).rejects.toMatchObject(
      refusal(404, 'JobNotFound'),
    );
  });
});
