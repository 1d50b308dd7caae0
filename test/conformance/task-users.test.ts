import { chmodSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UserNumbers } from '../../controller/effects/nodes/process/user-numbers.js';
import { batchClient } from '../support/client.js';
import { rootRequirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const root = await rootRequirement();
const POOL = {
  vmSize: 'standard_d1_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
};

suite('process nodes of a controller that is root', [root], () => {
  const folder = tempDirectory('task-users');
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    chmodSync(folder.path, 0o711);
    controller = await startController({ dataDirectory: join(folder.path, 'data') });
    client = batchClient(controller);
    await client.pool.add({
      id: 'users',
      ...POOL,
      targetDedicatedNodes: 2,
      userAccounts: [{ name: 'jane', password: 'Secret-1' }],
    });
    await client.job.add({ id: 'who', poolInfo: { poolId: 'users' } });
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });

  const completed = (taskId: string) =>
    waitFor(`the end of ${taskId}`, async () => {
      const task = await client.task.get('who', taskId);
      return task.state === 'completed' && task;
    });
  const text = async (taskId: string) => {
    const { readableStreamBody } = await client.file.getFromTask('who', taskId, 'stdout.txt');
    let read = '';
    for await (const chunk of readableStreamBody ?? []) read += String(chunk);
    return read;
  };

  it('run the tasks of each node as users of its own, and say so', async () => {
    const nodes = await waitFor('two idle nodes', async () => {
      const listed = await client.computeNode.list('users');
      return listed.filter(({ state }) => state === 'idle').length === 2 && listed;
    });
    const users: string[] = [];
    for (const [index, { affinityId = '' }] of nodes.entries()) {
      const task = { id: `on-${index}`, commandLine: 'id -u', affinityInfo: { affinityId } };
      await client.task.add('who', task);
      expect((await completed(task.id)).executionInfo).toMatchObject({ exitCode: 0 });
      users.push(await text(task.id));
    }
    expect(new Set(users).size).toBe(2);
    expect(users.every((user) => Number(user) > 0x7000_0000)).toBe(true);
    expect(nodes[0]?.nodeAgentInfo).toMatchObject({
      remarks: [expect.stringMatching(/^tasks run as users of this node's own/)],
    });
  });

  it('know the pool’s user accounts, and refuse others at the task', async () => {
    const script = `sh -c 'echo $USER; id -u'`;
    await client.task.add('who', {
      id: 'jane',
      commandLine: script,
      userIdentity: { userName: 'jane' },
    });
    await completed('jane');
    expect(await text('jane')).toMatch(/^jane\n\d{10}\n$/);
    await client.task.add('who', {
      id: 'joe',
      commandLine: script,
      userIdentity: { userName: 'joe' },
    });
    expect((await completed('joe')).executionInfo?.failureInfo).toMatchObject({
      category: 'usererror',
      code: 'CommandLaunchFailed',
      message: expect.stringContaining('"joe"') as string,
    });
  });

  it('open nothing of the data folder but the way through', () => {
    const data = join(folder.path, 'data');
    expect(statSync(data).mode & 0o777).toBe(0o711);
    for (const entry of readdirSync(data))
      if (entry !== 'nodes') expect(statSync(join(data, entry)).mode & 0o077, entry).toBe(0);
  });

  it('give their numbers back when they go', async () => {
    await client.pool.deleteMethod('users');
    await waitFor('the pool to be gone', async () => !(await client.pool.exists('users')).body);
    const links = readdirSync('/run/batchyard/user-numbers').map((name) =>
      readlinkSync(join('/run/batchyard/user-numbers', name)),
    );
    expect(links.filter((link) => link.startsWith(folder.path))).toEqual([]);
  });
});

suite('blocks of user numbers', [root], () => {
  const folder = tempDirectory('user-numbers');
  afterAll(() => {
    folder.remove();
  });
  const numbers = (processNodes: 'auto' | 'isolated' | 'agent', isRoot = true) =>
    new UserNumbers(
      { processNodes, first: 10_000, perNode: 1_024, nodesMax: 2 },
      isRoot,
      join(folder.path, 'registry'),
    );
  const node = (name: string) => {
    const { path } = tempDirectory(name);
    return path;
  };

  it('are given once, kept by their node, and free again when it is gone', async () => {
    chmodSync(folder.path, 0o711);
    const auto = numbers('auto');
    const [one, two, three] = ['one', 'two', 'three'].map(node) as [string, string, string];
    const first = (block: Awaited<ReturnType<UserNumbers['grant']>>) => block.taskUsers?.first;
    expect(first(await auto.grant(one, one))).toBe(10_000);
    expect(first(await numbers('isolated').grant(two, two))).toBe(11_024);
    expect(first(await auto.grant(one, one))).toBe(10_000);
    expect(auto.ownerTest(two)(11_024)).toBe(true);
    expect(auto.ownerTest(two)(10_000)).toBe(false);
    await expect(auto.grant(three, three)).rejects.toThrow(
      /all 2 blocks of user numbers are taken/,
    );
    await auto.giveBack(two, two);
    expect(first(await auto.grant(three, three))).toBe(11_024);
    for (const path of [one, two, three]) rmSync(path, { recursive: true });
    const four = node('four');
    expect(first(await auto.grant(four, four))).toBe(10_000);
    rmSync(four, { recursive: true });
  });

  it('need folders that other users can pass', async () => {
    const closed = tempDirectory('closed');
    const inside = join(closed.path, 'node');
    const why = `other users can't pass the folder ${closed.path}`;
    await expect(numbers('auto').grant(inside, inside)).resolves.toEqual({ taskUsersRemark: why });
    await expect(numbers('isolated').grant(inside, inside)).rejects.toThrow(why);
    await expect(numbers('isolated', false).grant(inside, inside)).rejects.toThrow(/not root/);
    await expect(numbers('auto', false).grant(inside, inside)).resolves.toEqual({});
    await expect(numbers('agent').grant(inside, inside)).resolves.toMatchObject({
      taskUsersRemark: expect.stringContaining('agent') as string,
    });
    closed.remove();
  });
});
