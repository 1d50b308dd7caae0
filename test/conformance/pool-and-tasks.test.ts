import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const machine = {
  imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
  nodeAgentSKUId: 'batch.node.process',
};
const pool = { vmSize: 'standard_d1_v2', virtualMachineConfiguration: machine };
const sh = (script: string) => `/bin/sh -c '${script}'`;

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add({ ...pool, id: 'Work', targetDedicatedNodes: 1 });
});
afterAll(() => controller.stop());

const statusOf = (answer: { _response: { status: number } }) => answer._response.status;
const idleNode = () =>
  waitFor('an idle node', async () =>
    (await client.computeNode.list('work')).find(({ state }) => state === 'idle'),
  );
const completed = (jobId: string, taskId: string) =>
  waitFor('the task to complete', async () => {
    const task = await client.task.get(jobId, taskId);
    return task.state === 'completed' && task;
  });

describe('pools', () => {
  it('answer every operation with the status that clients demand', async () => {
    const added = await client.pool.add({ ...pool, id: 'empty' });
    expect(statusOf(added)).toBe(201);
    expect(added._response.parsedHeaders.dataServiceId).toBe(`${controller.url}/pools/empty`);
    expect((await client.pool.exists('EMPTY')).body).toBe(true);
    await waitFor('the pool to be steady', async () => {
      return (await client.pool.get('empty')).allocationState === 'steady';
    });
    expect(
      statusOf(await client.pool.patch('empty', { metadata: [{ name: 'a', value: 'b' }] })),
    ).toBe(200);
    const properties = {
      metadata: [],
      certificateReferences: [],
      applicationPackageReferences: [],
    };
    expect(statusOf(await client.pool.updateProperties('empty', properties))).toBe(204);
    expect((await client.pool.get('empty')).metadata ?? []).toEqual([]);
    expect(statusOf(await client.pool.resize('empty', { targetDedicatedNodes: 0 }))).toBe(202);
    expect(statusOf(await client.pool.deleteMethod('empty'))).toBe(202);
    await waitFor('the pool to go', async () => !(await client.pool.exists('empty')).body);
  });

  it('refuse what their images, sizes and counts do not allow, and leave nothing', async () => {
    const wrong = { ...machine, nodeAgentSKUId: 'batch.node.other' };
    const add = (body: object) => client.pool.add({ ...pool, id: 'wrong', ...body });
    for (const body of [
      { virtualMachineConfiguration: wrong },
      { targetDedicatedNodes: -1 },
      { vmSize: 'standard_unheard_of' },
      { resizeTimeout: 'PT1M' },
    ])
      await expect(add(body)).rejects.toMatchObject({
        statusCode: 400,
        code: 'InvalidPropertyValue',
      });
    expect((await client.pool.exists('wrong')).body).toBe(false);
  });
});

describe('jobs and tasks', () => {
  it('live from add to delete through the official client', async () => {
    await idleNode();
    expect(statusOf(await client.job.add({ id: 'life', poolInfo: { poolId: 'work' } }))).toBe(201);
    expect(statusOf(await client.task.add('life', { id: 'one', commandLine: sh('exit 3') }))).toBe(
      201,
    );
    const { executionInfo } = await completed('life', 'one');
    expect(executionInfo).toMatchObject({ exitCode: 3, result: 'failure' });
    await expect(client.task.add('life', { id: 'ONE', commandLine: 'x' })).rejects.toMatchObject({
      statusCode: 409,
      code: 'TaskExists',
    });
    const counts = await client.job.getTaskCounts('life');
    expect(counts.taskCounts).toMatchObject({ completed: 1, failed: 1, succeeded: 0 });
    expect(statusOf(await client.job.disable('life', 'requeue'))).toBe(202);
    expect(statusOf(await client.job.enable('life'))).toBe(202);
    expect(statusOf(await client.task.reactivate('life', 'one'))).toBe(204);
    await completed('life', 'one');
    expect(statusOf(await client.task.deleteMethod('life', 'one'))).toBe(200);
    expect(statusOf(await client.job.terminate('life'))).toBe(202);
    expect(statusOf(await client.job.deleteMethod('life'))).toBe(202);
  });

  it('are added by the hundred, each with a result of its own', async () => {
    await client.job.add({ id: 'many', poolInfo: { poolId: 'nowhere' } });
    const tasks = Array.from({ length: 98 }, (_, n) => ({ id: `t${n}`, commandLine: '/bin/true' }));
    const bad = [
      { id: 't0', commandLine: '/bin/true' },
      { id: 'not good', commandLine: '/bin/true' },
    ];
    const { value = [] } = await client.task.addCollection('many', [...tasks, ...bad]);
    expect(value.filter(({ status }) => status.toLowerCase() === 'success')).toHaveLength(98);
    expect(value.slice(98).map(({ taskId, error }) => [taskId, error?.code])).toEqual([
      ['t0', 'TaskExists'],
      ['not good', 'InvalidPropertyValue'],
    ]);
  });
});

describe('files', () => {
  it('are listed, read in parts, and deleted by way of the task and of the node', async () => {
    const node = await idleNode();
    await client.job.add({ id: 'files', poolInfo: { poolId: 'work' } });
    const commandLine = sh('echo 0123456789; mkdir d; echo x > d/y');
    await client.task.add('files', { id: 'k', commandLine });
    await completed('files', 'k');
    const names = (await client.file.listFromTask('files', 'k')).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['stdout.txt', 'stderr.txt', 'wd']));
    const read = (path: string, headers: Record<string, string> = {}) =>
      signedRequest(controller, 'GET', `/jobs/files/tasks/k/files/${path}`, { headers });
    const part = await read('stdout.txt', { 'ocp-range': 'bytes=2-4' });
    expect([part.status, part.text, part.headers['content-length']]).toEqual([200, '234', '3']);
    expect((await read('wd/d/y')).text).toBe('x\n');
    expect((await read('wd%2Fd%2Fy')).text).toBe('x\n');
    expect((await read('stdout.txt', { 'ocp-range': 'bytes=99-' })).code).toBe('InvalidRange');
    expect((await read('wd')).status).toBeLessThan(500);
    for (const path of ['..%2F..%2Fk%2Fstdout.txt', '%2Fetc%2Fpasswd', 'wd%00', 'nothing'])
      expect([path, (await read(path)).code]).toEqual([path, 'FileNotFound']);
    for (const answer of [
      await read('wd%2Fnone'),
      await signedRequest(controller, 'DELETE', '/jobs/files/tasks/k/files/wd%2Fnone'),
    ])
      expect(JSON.parse(answer.text)).toMatchObject({
        code: 'FileNotFound',
        values: [{ key: 'FilePath', value: 'wd/none' }],
      });
    const path = 'workitems/files/job-1/k/wd/d';
    await expect(
      client.file.deleteFromComputeNode('work', node.id ?? '', path),
    ).rejects.toMatchObject({
      statusCode: 409,
    });
    const recursive = { recursive: true };
    await client.file.deleteFromComputeNode('work', node.id ?? '', path, recursive);
    expect((await read('wd/d/y')).code).toBe('FileNotFound');
  });

  it('are listed folder by folder by the start of their names, and below it with recursive', async () => {
    await client.job.add({ id: 'folders', poolInfo: { poolId: 'work' } });
    const commandLine = sh('mkdir -p d/e d1; echo x > d/y; echo x > d/e/z; echo x > w');
    await client.task.add('folders', { id: 'k', commandLine });
    const { nodeInfo } = await completed('folders', 'k');
    const root = nodeInfo?.taskRootDirectory ?? '';
    for (const [start, recursive, names] of [
      ['w', false, ['wd']],
      ['wd/', false, ['wd/d', 'wd/d1', 'wd/w']],
      ['wd/d', false, ['wd/d', 'wd/d1']],
      ['wd/d/', false, ['wd/d/e', 'wd/d/y']],
      ['wd/d/', true, ['wd/d/e', 'wd/d/e/z', 'wd/d/y']],
    ] as const) {
      const ofTask = { filter: `startswith(name,'${start}')` };
      const ofNode = { filter: `startswith(name,'${root}/${start}')` };
      const options = { recursive, fileListFromTaskOptions: ofTask };
      const files = await client.file.listFromTask('folders', 'k', options);
      expect([start, files.map(({ name }) => name)]).toEqual([start, names]);
      const below = await client.file.listFromComputeNode('work', nodeInfo?.nodeId ?? '', {
        recursive,
        fileListFromComputeNodeOptions: ofNode,
      });
      expect(below.map(({ name }) => name)).toEqual(names.map((name) => `${root}/${name}`));
    }
  });

  it('are unavailable for a task that never ran', async () => {
    await client.job.add({ id: 'waits', poolInfo: { poolId: 'nowhere' } });
    await client.task.add('waits', { id: 'k', commandLine: '/bin/true' });
    await expect(client.file.listFromTask('waits', 'k')).rejects.toMatchObject({
      statusCode: 409,
      code: 'TaskFilesUnavailable',
    });
  });
});

describe('job schedules', () => {
  it('answer every operation with the status that clients demand', async () => {
    const doNotRunUntil = new Date(Date.now() + 86_400_000);
    const jobSpecification = { poolInfo: { poolId: 'work' } };
    const body = { id: 'later', schedule: { doNotRunUntil }, jobSpecification };
    expect(statusOf(await client.jobSchedule.add(body))).toBe(201);
    expect((await client.jobSchedule.exists('later')).body).toBe(true);
    expect(statusOf(await client.jobSchedule.patch('later', { metadata: [] }))).toBe(200);
    const update = { schedule: { doNotRunUntil }, jobSpecification };
    expect(statusOf(await client.jobSchedule.update('later', update))).toBe(200);
    expect(statusOf(await client.jobSchedule.disable('later'))).toBe(204);
    expect(statusOf(await client.jobSchedule.enable('later'))).toBe(204);
    expect(await client.job.listFromJobSchedule('later')).toHaveLength(0);
    expect(statusOf(await client.jobSchedule.terminate('later'))).toBe(202);
    expect(statusOf(await client.jobSchedule.deleteMethod('later'))).toBe(202);
    const short = { id: 'short', schedule: { recurrenceInterval: 'PT30S' }, jobSpecification };
    await expect(client.jobSchedule.add(short)).rejects.toMatchObject({
      statusCode: 400,
      code: 'InvalidPropertyValue',
    });
  });
});
