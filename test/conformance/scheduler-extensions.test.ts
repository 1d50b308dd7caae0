import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { waitFor } from '../support/wait-for.js';
import { startController, type StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add({ ...PROCESS_POOL, id: 'p', targetDedicatedNodes: 0 });
  await client.job.add({ id: 'j', poolInfo: { poolId: 'p' }, usesTaskDependencies: true });
});
afterAll(() => controller.stop());

interface Explanation {
  id: string;
  state: string;
  reasons: { code: string; message: string; nextStep: string; values: object[] }[];
}
const read = (text: string) => JSON.parse(text) as Explanation;

const sweep = (id: string, last: number) => ({
  id,
  parametricSweep: { parameterSets: [{ start: 1, end: last }] },
  repeatTask: { commandLine: '/bin/true {0}' },
});
const addFactory = (body: object) =>
  signedRequest(controller, 'POST', '/jobs/many/addtaskfactory', { body: JSON.stringify(body) });

describe('a task factory', () => {
  it('is taken whole, survives a kill in the midst of its making, and is known again', async () => {
    await client.job.add({ id: 'many', poolInfo: { poolId: 'p' } });
    const added = await addFactory(sweep('Sweep', 12_000));
    expect(added.status).toBe(201);
    expect(JSON.parse(added.text)).toMatchObject({ taskCount: 12_000, lastTaskId: 'Sweep-11999' });
    await controller.kill();
    await controller.restart();
    client = batchClient(controller);
    expect((await client.job.getTaskCounts('many')).taskCounts.active).toBe(12_000);
    expect(await client.task.get('many', 'sweep-11998')).toMatchObject({
      id: 'Sweep-11998',
      state: 'active',
      commandLine: '/bin/true 11999',
    });
    await client.task.deleteMethod('many', 'sweep-11997');
    await waitFor('all tasks to be made', async () => {
      const again = await addFactory(sweep('Sweep', 12_000));
      expect(again.status).toBe(201);
      return (JSON.parse(again.text) as { madeCount: number }).madeCount === 12_000;
    });
    const found = await client.task.list('many', {
      taskListOptions: { select: 'id', filter: "startswith(id, 'sweep-1199')" },
    });
    expect(found).toHaveLength(10);
    expect((await client.job.getTaskCounts('many')).taskCounts.active).toBe(11_999);
  });
  it('makes a task of each file of a container', async () => {
    const put = (name: string) =>
      fetch(`${controller.url}/storage/${controller.account}/inputs/${name}`, {
        method: 'PUT',
        body: 'x',
        headers: {
          authorization: `Bearer ${controller.adminToken}`,
          'x-ms-blob-type': 'BlockBlob',
        },
      });
    const container = `${controller.url}/storage/${controller.account}/inputs?restype=container`;
    await fetch(container, {
      method: 'PUT',
      headers: { authorization: `Bearer ${controller.adminToken}` },
    });
    for (const name of ['a/1.png', 'a/2.png', 'b/3.png']) expect((await put(name)).ok).toBe(true);
    const filesOf = { autoStorageContainerName: 'inputs', blobPrefix: 'a/' };
    const repeatTask = {
      commandLine: 'convert {fileName} {fileNameWithoutExtension}.jpg',
      resourceFiles: [{ httpUrl: '{url}', filePath: '{fileName}' }],
    };
    const added = await addFactory({ id: 'files', filesOf, repeatTask });
    expect(JSON.parse(added.text)).toMatchObject({ taskCount: 2 });
    const task = await client.task.get('many', 'files-1');
    expect(task.commandLine).toBe('convert 2.png 2.jpg');
    expect(task.resourceFiles?.[0]?.httpUrl).toMatch(/\/inputs\/a\/2\.png$/);
    const nowhere = { ...filesOf, autoStorageContainerName: 'nothing' };
    const refused = await addFactory({ id: 'none', filesOf: nowhere, repeatTask });
    expect([refused.status, refused.code]).toEqual([400, 'InvalidPropertyValue']);
  });
  it('is refused whole for bad input, with the property', async () => {
    const { taskCounts } = await client.job.getTaskCounts('many');
    const bad = { ...sweep('bad', 3), repeatTask: { commandLine: '{5}' } };
    for (const body of [bad, sweep('bad', 0), sweep('bad', 2_000_000), { id: 'bad' }]) {
      const answer = await addFactory(body);
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(/repeatTask|parametricSweep|parameterSets/);
    }
    expect((await addFactory(sweep('Sweep', 9))).code).toBe('TaskFactoryExists');
    expect((await client.job.getTaskCounts('many')).taskCounts).toEqual(taskCounts);
  });
});

describe('an explanation', () => {
  it('of a task tells codes, numbers and a next step, dependencies that failed or never were included', async () => {
    await client.pool.add({ ...PROCESS_POOL, id: 'one', targetDedicatedNodes: 1 });
    await client.job.add({ id: 'k', poolInfo: { poolId: 'one' }, usesTaskDependencies: true });
    await client.task.add('k', { id: 'fails', commandLine: '/bin/false' });
    await waits(client).task('k', 'fails', 'completed');
    const dependsOn = { taskIds: ['fails', 'ghost'] };
    await client.task.add('k', { id: 't', commandLine: '/bin/true', dependsOn });
    const answer = await signedRequest(controller, 'GET', '/jobs/k/tasks/t/explain');
    expect(answer.status).toBe(200);
    const { id, state, reasons } = read(answer.text);
    expect({ id, state }).toEqual({ id: 't', state: 'active' });
    expect(reasons[0]).toEqual({
      code: 'DependencyBlocked',
      message: 'Tasks that it depends on have ended without satisfying their dependants: fails.',
      nextStep: expect.stringContaining('Reactivate') as string,
      values: [{ name: 'tasks', value: 'fails' }],
    });
    expect(reasons.map(({ code }) => code)).toEqual(['DependencyBlocked', 'DependencyUnknown']);
    const ended = await signedRequest(controller, 'GET', '/jobs/k/tasks/fails/explain');
    expect(read(ended.text).reasons[0]).toMatchObject({ code: 'TaskCompleted' });
  });
  it('of a pool and of a node says what they lack', async () => {
    const pool = await signedRequest(controller, 'GET', '/pools/p/explain');
    expect(read(pool.text).reasons.map(({ code }) => code)).toEqual(['PoolEmpty']);
    const [node] = await client.computeNode.list('one');
    const found = await signedRequest(
      controller,
      'GET',
      `/pools/one/nodes/${node?.id ?? ''}/explain`,
    );
    expect(read(found.text)).toMatchObject({ id: node?.id, state: 'idle' });
  });
  it('of something that is not there is refused as any read of it', async () => {
    const codes = await Promise.all(
      ['/jobs/j/tasks/none/explain', '/pools/none/explain', '/pools/p/nodes/none/explain'].map(
        async (path) => (await signedRequest(controller, 'GET', path)).code,
      ),
    );
    expect(codes).toEqual(['TaskNotFound', 'PoolNotFound', 'NodeNotFound']);
  });
  it('a console log is told of nodes that have a console, and of no others', async () => {
    const [node] = await client.computeNode.list('one');
    const consoleLog = (id: string) =>
      signedRequest(controller, 'GET', `/pools/one/nodes/${id}/consolelog`);
    expect(await consoleLog(node?.id ?? '')).toMatchObject({ status: 404, code: 'FileNotFound' });
    expect(await consoleLog('none')).toMatchObject({ status: 404, code: 'NodeNotFound' });
  });
});
