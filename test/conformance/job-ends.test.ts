import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, refusal, statusOf, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
  const size = { targetDedicatedNodes: 1, taskSlotsPerNode: 4 };
  await client.pool.add({ ...PROCESS_POOL, id: 'work', ...size });
  await client.pool.add({ ...PROCESS_POOL, id: 'other' });
  // They end by themselves after the delay for empty jobs, while the other tests run.
  const poolInfo = { poolId: 'other' };
  await client.job.add({ id: 'empty', poolInfo, onAllTasksComplete: 'terminatejob' });
  await client.job.add({ id: 'late-patch', poolInfo });
  await client.job.patch('late-patch', { onAllTasksComplete: 'terminatejob' });
  await until.nodes('work', 'idle');
});
afterAll(() => controller.stop());

const work = { poolInfo: { poolId: 'work' } };
const nowhere = { poolInfo: { poolId: 'nowhere' } };
const counts = async (jobId: string) => {
  const { taskCounts, taskSlotCounts } = await client.job.getTaskCounts(jobId);
  return { taskCounts, taskSlotCounts };
};

describe('terminate', () => {
  it('ends what runs, leaves what waits active, and says why', async () => {
    await client.job.add({ id: 'ends', ...work, maxParallelTasks: 1 });
    await client.task.add('ends', { id: 'runs', commandLine: LONG });
    await until.task('ends', 'runs', 'running');
    await client.task.add('ends', { id: 'never', commandLine: LONG });
    const { startTime } = (await client.job.get('ends')).executionInfo ?? {};
    expect(
      statusOf(await client.job.terminate('ends', { terminateReason: 'no more coffee' })),
    ).toBe(202);
    const job = await until.job('ends', 'completed');
    expect(job).toMatchObject({
      previousState: 'terminating',
      executionInfo: { terminateReason: 'no more coffee', poolId: 'work' },
    });
    expect(job.executionInfo?.startTime).toEqual(startTime);
    expect(job.executionInfo?.endTime).toBeInstanceOf(Date);
    const { executionInfo } = await client.task.get('ends', 'runs');
    expect(executionInfo).toMatchObject({
      result: 'failure',
      failureInfo: { code: 'TaskEnded', category: 'usererror' },
    });
    expect((await client.task.get('ends', 'never')).state).toBe('active');
    expect((await counts('ends')).taskCounts).toMatchObject({ active: 1, completed: 1, failed: 1 });
    await expect(client.task.reactivate('ends', 'runs')).rejects.toMatchObject(
      refusal(409, 'JobCompleted'),
    );
  });

  it('without a reason of the caller says UserTerminate, also without any body', async () => {
    await client.job.add({ id: 'bare', ...nowhere });
    await client.job.terminate('bare');
    expect((await until.job('bare', 'completed')).executionInfo?.terminateReason).toBe(
      'UserTerminate',
    );
    await client.job.add({ id: 'bodiless', ...nowhere });
    const raw = await signedRequest(controller, 'POST', '/jobs/bodiless/terminate', {
      headers: { 'content-length': '0' },
    });
    expect(raw.status).toBe(202);
    await until.job('bodiless', 'completed');
  });

  it('works on a disabled job', async () => {
    await client.job.add({ id: 'off', ...nowhere });
    await client.job.disable('off', 'requeue');
    await until.job('off', 'disabled');
    await client.job.terminate('off');
    await until.job('off', 'completed');
  });
});

describe('delete', () => {
  it('kills what runs, then nothing of the job is left', async () => {
    await client.job.add({ id: 'goes', ...work });
    await client.task.add('goes', { id: 'runs', commandLine: LONG });
    await until.task('goes', 'runs', 'running');
    expect(statusOf(await client.job.deleteMethod('goes'))).toBe(202);
    const second = await client.job.deleteMethod('goes').catch((error: unknown) => error);
    expect(['JobBeingDeleted', 'JobNotFound']).toContain((second as { code: string }).code);
    await until.jobGone('goes');
    await expect(client.task.get('goes', 'runs')).rejects.toMatchObject(
      refusal(404, 'JobNotFound'),
    );
    await client.job.add({ id: 'goes', ...work });
    expect(await client.task.list('goes')).toHaveLength(0);
  });
});

describe('the end of all tasks', () => {
  it('ends a job with terminatejob when its last task completes', async () => {
    await client.job.add({ id: 'all', ...work, onAllTasksComplete: 'terminatejob' });
    await client.task.addCollection('all', [
      { id: 'good', commandLine: '/bin/true' },
      { id: 'bad', commandLine: '/bin/false' },
    ]);
    const job = await until.job('all', 'completed');
    expect(job.executionInfo?.terminateReason).toBe('AllTasksComplete');
  });

  it('ends a job that is patched to terminatejob after its tasks', async () => {
    await client.job.add({ id: 'patched-late', ...work });
    await client.task.add('patched-late', { id: 't', commandLine: '/bin/true' });
    await until.task('patched-late', 't');
    expect((await client.job.get('patched-late')).state).toBe('active');
    await client.job.patch('patched-late', { onAllTasksComplete: 'terminatejob' });
    const job = await until.job('patched-late', 'completed');
    expect(job.executionInfo?.terminateReason).toBe('AllTasksComplete');
  });

  it('ends an empty job too, but not at once', async () => {
    await client.job.add({ id: 'young', ...nowhere, onAllTasksComplete: 'terminatejob' });
    expect((await client.job.get('young')).state).toBe('active');
    for (const id of ['empty', 'late-patch']) {
      const job = await until.job(id, 'completed', 30_000);
      expect(job.executionInfo?.terminateReason).toBe('AllTasksComplete');
    }
  });

  it('leaves a job with noaction active', async () => {
    await client.job.add({ id: 'stays', ...work });
    await client.task.add('stays', { id: 't', commandLine: '/bin/true' });
    await until.task('stays', 't');
    expect((await client.job.get('stays')).state).toBe('active');
  });
});

describe('the wall clock of a job', () => {
  it('is measured from its creation and ends what runs', async () => {
    const constraints = { maxWallClockTime: 'PT2S' };
    await client.job.add({ id: 'clocked', ...work, constraints });
    await client.task.add('clocked', { id: 't', commandLine: LONG });
    const job = await until.job('clocked', 'completed');
    expect(job.executionInfo?.terminateReason).toBe('MaxWallClockTimeExpiry');
    const { executionInfo } = await client.task.get('clocked', 't');
    expect(executionInfo?.failureInfo?.code).toBe('TaskEnded');
  });
});
