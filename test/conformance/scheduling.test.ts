import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, sh, waits } from '../support/process-pool.js';
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
  await client.pool.add({ ...PROCESS_POOL, id: 'one', targetDedicatedNodes: 1 });
  for (const nodeFillType of ['pack', 'spread'] as const)
    await client.pool.add({
      ...PROCESS_POOL,
      id: nodeFillType,
      targetDedicatedNodes: 2,
      taskSlotsPerNode: 4,
      taskSchedulingPolicy: { nodeFillType },
    });
  await until.nodes('one', 'idle');
  await until.nodes('pack', 'idle', 2);
  await until.nodes('spread', 'idle', 2);
});
afterAll(() => controller.stop());

let number = 0;
/** Occupies the only node of the pool `one` until the returned function is called. */
async function occupy() {
  const id = `gate${String((number += 1))}`;
  const mark = `${controller.dataDirectory}/${id}`;
  await client.job.add({ id, poolInfo: { poolId: 'one' }, priority: 1000 });
  const commandLine = sh(`until [ -e ${mark} ]; do sleep 0.02; done`);
  await client.task.add(id, { id: 't', commandLine });
  await until.task(id, 't', 'running');
  return () => {
    writeFileSync(mark, '');
  };
}
/** The tasks of these jobs in the order in which they began. */
async function order(...jobs: string[]) {
  const ran = await waitFor('all tasks', async () => {
    const tasks = await Promise.all(jobs.map((job) => client.task.list(job)));
    const all = tasks.flatMap((list, at) => list.map((task) => ({ job: jobs[at] ?? '', task })));
    return all.every(({ task }) => task.state === 'completed') && all;
  });
  const start = ({ task }: (typeof ran)[number]) => task.executionInfo?.startTime?.getTime() ?? 0;
  return ran.sort((a, b) => start(a) - start(b)).map(({ job, task }) => `${job}/${task.id ?? ''}`);
}
const NAP = sh('sleep 0.03');
const add = async (jobId: string, ids: string[], job: object = {}) => {
  await client.job.add({ id: jobId, poolInfo: { poolId: 'one' }, ...job });
  await client.task.addCollection(
    jobId,
    ids.map((id) => ({ id, commandLine: NAP })),
  );
};

describe('a pool', () => {
  it('runs the tasks of a job in the order in which they were added', async () => {
    const letGo = await occupy();
    const ids = ['d', 'a', 'c', 'b', 'e'];
    await client.job.add({ id: 'fifo', poolInfo: { poolId: 'one' } });
    for (const id of ids) await client.task.add('fifo', { id, commandLine: NAP });
    letGo();
    expect(await order('fifo')).toEqual(ids.map((id) => `fifo/${id}`));
  });

  it('serves jobs by priority, also after the priority was changed', async () => {
    const letGo = await occupy();
    await add('low', ['1', '2'], { priority: -500 });
    await add('high', ['1', '2'], { priority: 500 });
    await add('raised', ['1', '2'], { priority: -1000 });
    await add('normal', ['1', '2']);
    await client.job.patch('raised', { priority: 900 });
    letGo();
    const jobs = (await order('low', 'high', 'raised', 'normal')).map((name) => name.split('/')[0]);
    expect(jobs).toEqual(['raised', 'raised', 'high', 'high', 'normal', 'normal', 'low', 'low']);
  });

  it('does not interrupt what runs for a job of higher priority', async () => {
    const letGo = await occupy();
    await add('urgent', ['1'], { priority: 1000 });
    expect((await client.task.get('urgent', '1')).state).toBe('active');
    letGo();
    await until.task('urgent', '1');
    const gate = `gate${String(number)}`;
    expect((await client.task.get(gate, 't')).executionInfo).toMatchObject({
      exitCode: 0,
      requeueCount: 0,
    });
  });

  it('takes turns between jobs of equal priority', async () => {
    const letGo = await occupy();
    await add('left', ['1', '2', '3', '4']);
    await add('right', ['1', '2', '3', '4']);
    letGo();
    const jobs = (await order('left', 'right')).map((name) => name.split('/')[0]);
    for (let turn = 0; turn < 8; turn += 2)
      expect(new Set(jobs.slice(turn, turn + 2))).toEqual(new Set(['left', 'right']));
  });
});

describe('task slots', () => {
  const nodesOf = async (jobId: string, ids: string[]) => {
    for (const id of ids) await until.task(jobId, id, 'running');
    const nodes = await Promise.all(ids.map((id) => client.task.get(jobId, id)));
    return nodes.map(({ nodeInfo }) => nodeInfo?.nodeId ?? '');
  };
  const end = async (jobId: string) => {
    await client.job.deleteMethod(jobId);
    await until.jobGone(jobId);
  };
  const begin = async (jobId: string, poolId: string, tasks: object[]) => {
    await client.job.add({ id: jobId, poolInfo: { poolId } });
    for (const [at, task] of tasks.entries())
      await client.task.add(jobId, { id: String(at), commandLine: LONG, ...task });
    return tasks.map((_task, at) => String(at));
  };

  it('of one node are filled first with pack', async () => {
    const ids = await begin('packed', 'pack', [{}, {}, {}, {}]);
    expect(new Set(await nodesOf('packed', ids)).size).toBe(1);
    await end('packed');
  });

  it('of all nodes are used evenly with spread', async () => {
    const ids = await begin('evenly', 'spread', [{}, {}, {}, {}]);
    const nodes = await nodesOf('evenly', ids);
    const first = nodes.filter((id) => id === nodes[0]);
    expect([first.length, new Set(nodes).size]).toEqual([2, 2]);
    await end('evenly');
  });

  it('are counted on the node by what its tasks require', async () => {
    const ids = await begin('sized', 'pack', [{ requiredSlots: 3 }, { requiredSlots: 1 }]);
    const [nodeId = ''] = await nodesOf('sized', ids);
    expect(await client.computeNode.get('pack', nodeId)).toMatchObject({
      runningTasksCount: 2,
      runningTaskSlotsCount: 4,
    });
    await end('sized');
  });

  it('that no node has keep a task waiting for ever, without harm to others', async () => {
    const ids = await begin('giant', 'pack', [{ requiredSlots: 5 }, {}]);
    await nodesOf('giant', ids.slice(1));
    expect((await client.task.get('giant', '0')).state).toBe('active');
    await end('giant');
  });

  it('go to a wide task in the end, though narrow ones would always fit', async () => {
    await client.job.add({ id: 'mixed', poolInfo: { poolId: 'spread' } });
    const narrow = Array.from({ length: 60 }, (_, n) => ({
      id: `n${String(n)}`,
      commandLine: sh('sleep 0.2'),
    }));
    await client.task.addCollection('mixed', narrow.slice(0, 8));
    await client.task.add('mixed', { id: 'wide', commandLine: NAP, requiredSlots: 4 });
    await client.task.addCollection('mixed', narrow.slice(8));
    const wide = await until.task('mixed', 'wide');
    const { taskCounts } = await client.job.getTaskCounts('mixed');
    expect(taskCounts.active).toBeGreaterThan(0);
    expect(wide.executionInfo?.result).toBe('success');
    await end('mixed');
  });

  it('are free again when a task ends in any way', async () => {
    const ids = await begin('freed', 'pack', [
      { requiredSlots: 4 },
      { requiredSlots: 4 },
      { requiredSlots: 4 },
    ]);
    await nodesOf('freed', ids.slice(0, 2));
    await client.task.terminate('freed', '0');
    await nodesOf('freed', ids.slice(2));
    await client.task.deleteMethod('freed', '1');
    await client.task.add('freed', { id: '3', commandLine: LONG, requiredSlots: 4 });
    await nodesOf('freed', ['3']);
    await end('freed');
  });

  it('cannot be fewer than one', async () => {
    await client.job.add({ id: 'checked', poolInfo: { poolId: 'one' } });
    await expect(
      client.task.add('checked', { id: 't', commandLine: NAP, requiredSlots: 0 }),
    ).rejects.toMatchObject({ statusCode: 400 });
  });
});
