import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal, sh, waits } from '../support/process-pool.js';
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
});
afterAll(() => controller.stop());

/** A pool of one node with this start task; answers with the node's id. */
async function start(id: string, startTask: object) {
  await client.pool.add({
    ...PROCESS_POOL,
    id,
    targetDedicatedNodes: 1,
    startTask: { commandLine: '/bin/true', ...startTask },
  });
  return waitFor('the node', async () => (await client.computeNode.list(id))[0]?.id);
}
const mark = (name: string) => `${controller.dataDirectory}/${name}`;
const touch = async (name: string, poolId: string) => {
  const jobId = `touch-${name}`;
  await client.job.add({ id: jobId, poolInfo: { poolId } });
  await client.task.add(jobId, { id: 't', commandLine: `/usr/bin/touch ${mark(name)}` });
  await until.task(jobId, 't');
};
const text = async (poolId: string, nodeId: string, path: string) =>
  (await signedRequest(controller, 'GET', `/pools/${poolId}/nodes/${nodeId}/files/${path}`)).text;
const remove = (poolId: string) => client.pool.deleteMethod(poolId);

describe('a start task', () => {
  it('by default holds its node back until it has succeeded', async () => {
    await start('tools', {});
    const held = await start('held', {
      commandLine: sh(`echo waits; until [ -e ${mark('go')} ]; do sleep 0.05; done; echo done`),
    });
    const node = await until.node('held', held, 'waitingforstarttask');
    expect(node.startTask).toMatchObject({ waitForSuccess: true, maxTaskRetryCount: 0 });
    await client.job.add({ id: 'waits', poolInfo: { poolId: 'held' } });
    await client.task.add('waits', { id: 't', commandLine: '/bin/true' });
    const running = await waitFor('the start task to run', async () => {
      const { startTaskInfo } = await client.computeNode.get('held', held);
      return startTaskInfo?.state === 'running' && startTaskInfo;
    });
    expect(running).toMatchObject({ retryCount: 0 });
    expect(running.endTime).toBeUndefined();
    expect(running.exitCode).toBeUndefined();
    await waitFor('its output', async () =>
      (await text('held', held, 'startup/stdout.txt')).startsWith('waits'),
    );
    expect((await client.task.get('waits', 't')).state).toBe('active');
    await touch('go', 'tools');
    await until.task('waits', 't');
    const { startTaskInfo } = await client.computeNode.get('held', held);
    expect(startTaskInfo).toMatchObject({ state: 'completed', exitCode: 0, result: 'success' });
    expect(startTaskInfo?.endTime).toBeInstanceOf(Date);
    expect(await text('held', held, 'startup/stdout.txt')).toBe('waits\ndone\n');
    await remove('held');
  });

  it('without waitForSuccess lets tasks run beside it, and after its failure', async () => {
    const id = await start('loose', {
      commandLine: sh(`until [ -e ${mark('loose')} ]; do sleep 0.05; done; exit 5`),
      waitForSuccess: false,
    });
    await until.node('loose', id, 'idle');
    await touch('loose', 'loose');
    const info = await waitFor('the failure', async () => {
      const { startTaskInfo } = await client.computeNode.get('loose', id);
      return startTaskInfo?.state === 'completed' && startTaskInfo;
    });
    expect(info).toMatchObject({
      exitCode: 5,
      result: 'failure',
      failureInfo: {
        category: expect.stringMatching(/^usererror$/i) as unknown,
        code: 'FailureExitCode',
      },
    });
    expect((await client.computeNode.get('loose', id)).state).toBe('idle');
    await remove('loose');
  });

  it('is tried again as often as it may, then its node is starttaskfailed and takes no task', async () => {
    const id = await start('fails', {
      commandLine: sh('echo once more; exit 3'),
      maxTaskRetryCount: 1,
    });
    const node = await until.node('fails', id, 'starttaskfailed');
    expect(node.startTaskInfo).toMatchObject({
      state: 'completed',
      exitCode: 3,
      retryCount: 1,
      result: 'failure',
      failureInfo: { code: 'FailureExitCode' },
    });
    expect(node.startTaskInfo?.lastRetryTime).toBeInstanceOf(Date);
    const counts = await client.account.listPoolNodeCounts();
    expect(counts.find(({ poolId }) => poolId === 'fails')?.dedicated).toMatchObject({
      startTaskFailed: 1,
      total: 1,
    });
    await client.job.add({ id: 'never', poolInfo: { poolId: 'fails' } });
    await client.task.add('never', { id: 't', commandLine: '/bin/true' });
    expect((await client.task.get('never', 't')).state).toBe('active');
  });

  it('that a patch has healed runs at the next reboot, not before', async () => {
    const id = (await client.computeNode.list('fails'))[0]?.id ?? '';
    await client.pool.patch('fails', { startTask: { commandLine: sh('echo healed') } });
    expect((await client.computeNode.get('fails', id)).state).toBe('starttaskfailed');
    await client.computeNode.reboot('fails', id);
    await until.task('never', 't');
    const node = await until.node('fails', id, 'idle');
    expect(node.startTaskInfo).toMatchObject({ exitCode: 0, retryCount: 0, result: 'success' });
    expect(await text('fails', id, 'startup/stdout.txt')).toBe('healed\n');
    await remove('fails');
  });

  it('succeeds after a failed try, and says when it was tried again', async () => {
    const id = await start('second', {
      commandLine: sh(`[ -e ${mark('second')} ] || { touch ${mark('second')}; exit 1; }`),
      maxTaskRetryCount: -1,
    });
    const node = await until.node('second', id, 'idle');
    expect(node.startTaskInfo).toMatchObject({ exitCode: 0, retryCount: 1, result: 'success' });
    expect(node.startTaskInfo?.lastRetryTime).toBeInstanceOf(Date);
    expect(node.startTaskInfo?.failureInfo).toBeUndefined();
    expect(node.totalTasksRun).toBe(0);
    await remove('second');
  });

  it('that waits for its next try tells when the last one ended, and no result of it', async () => {
    const id = await start('between', { commandLine: sh('exit 1'), maxTaskRetryCount: -1 });
    const info = await waitFor('a pause between two tries', async () => {
      const { startTaskInfo } = await client.computeNode.get('between', id);
      return (startTaskInfo?.retryCount ?? 0) > 2 && startTaskInfo?.endTime && startTaskInfo;
    });
    expect(info).toMatchObject({ state: 'running', lastRetryTime: expect.any(Date) as unknown });
    for (const name of ['exitCode', 'failureInfo', 'result']) expect(info).not.toHaveProperty(name);
    expect((await client.computeNode.get('between', id)).state).toBe('waitingforstarttask');
    await remove('between');
  });

  it('has its resource files in its working directory, with their modes', async () => {
    await client.job.add({ id: 'source', poolInfo: { poolId: 'tools' } });
    const httpUrl = `${controller.url}/healthz`;
    const id = await start('files', {
      commandLine: sh('stat -c %a a/b; cat a/b; echo; pwd'),
      resourceFiles: [{ httpUrl, filePath: 'a/b', fileMode: '0640' }],
    });
    await until.node('files', id, 'idle');
    const out = await text('files', id, 'startup/stdout.txt');
    expect(out).toMatch(/^640\n/);
    expect(out).toMatch(/startup\/wd\n$/);
    expect(await text('files', id, 'startup/wd/a/b')).not.toBe('');
    await remove('files');
  });

  it.each([
    ['a file that is not there', { resourceFiles: [{ httpUrl: '', filePath: 'x' }] }, /^Blob/],
    ['a program that is not there', { commandLine: '/no/such/program' }, /^Command/],
  ])('with %s fails without an exit code, and is not tried again', async (_what, task, code) => {
    const more =
      'resourceFiles' in task
        ? { resourceFiles: [{ httpUrl: `${controller.url}/nothing`, filePath: 'x' }] }
        : task;
    const id = await start('before', { ...more, maxTaskRetryCount: 3 });
    const node = await until.node('before', id, 'starttaskfailed');
    expect(node.startTaskInfo).toMatchObject({ retryCount: 0, result: 'failure' });
    expect(node.startTaskInfo?.exitCode).toBeUndefined();
    expect(node.startTaskInfo?.failureInfo?.code).toMatch(code);
    await remove('before');
    await until.poolGone('before');
  });

  it('ends with a new resize of its node too', async () => {
    const id = await start('hangs', { commandLine: sh('sleep 120') });
    await until.node('hangs', id, 'waitingforstarttask');
    await until.steady('hangs');
    await client.pool.resize('hangs', { targetDedicatedNodes: 0 });
    expect((await until.steady('hangs')).currentDedicatedNodes).toBe(0);
    await expect(client.computeNode.get('hangs', id)).rejects.toMatchObject(
      refusal(404, 'NodeNotFound'),
    );
  });
});
