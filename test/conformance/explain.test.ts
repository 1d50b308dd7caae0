import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
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
});
