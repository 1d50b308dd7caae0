import { afterAll, beforeAll, expect, it } from 'vitest';
import { join } from 'node:path';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { Stack, writeProgram, writeProject } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);

const program = (tasks: unknown[], retries = 1, date = '2026-01-01') => `
const account = new batchyard.Account('account', { accountName: 'yard', keyRotation: { secondary: '${date}' } });
const job = new batchyard.Job('job', {
  accountName: account.accountName, jobId: 'work', poolInfo: { poolId: 'none-yet' },
  constraints: { maxTaskRetryCount: 2 }, usesTaskDependencies: true,
});
const place = { accountName: account.accountName, jobId: job.jobId };
new batchyard.TaskCollection('set', { ...place, tasks: ${JSON.stringify(tasks)} });
new batchyard.Task('last', {
  ...place, taskId: 'last', commandLine: 'true', dependsOn: { taskIds: ['a'] },
  constraints: { maxTaskRetryCount: ${retries} }, userIdentity: { autoUser: { scope: 'task' } },
});
module.exports = { primary: account.primaryKey, secondary: account.secondaryKey };
`;
const a = { id: 'a', commandLine: 'echo a' };
const b = { id: 'b', commandLine: 'echo b' };
const c = { id: 'c', commandLine: 'echo c' };

suite('Task, TaskCollection and the rotation of keys, with the real CLI', [pulumiCli], () => {
  const folder = tempDirectory('tasks');
  let controller: StartedController;
  let stack: Stack;
  let project: string;

  beforeAll(async () => {
    controller = await startController();
    project = writeProject(join(folder.path, 'project'), program([a, b]));
    const { url, adminToken } = controller;
    const environment = { BATCHYARD_ENDPOINT: url, BATCHYARD_ADMIN_TOKEN: adminToken };
    stack = new Stack(binaries ?? '', folder.path, environment, project);
    await stack.init();
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });
  const run = async (command: string, ...flags: string[]) => {
    const { code, text } = await stack.run(command, ...flags);
    expect(code, text).toBe(0);
    return text;
  };
  const client = async () =>
    batchClient({
      url: controller.url,
      account: 'yard',
      key: String((await stack.outputs()).primary),
    });
  const tasksOf = async () => {
    const found = await (await client()).task.list('work');
    return Object.fromEntries(found.map((task) => [task.id, task]));
  };

  it('adds the tasks, after which neither an update nor a refresh finds a change', async () => {
    await run('up');
    expect(Object.keys(await tasksOf()).sort()).toEqual(['a', 'b', 'last']);
    await run('up', '--refresh', '--expect-no-changes');
  });

  it('changes constraints in place, adds, removes, and runs again only a task that changed', async () => {
    const before = await tasksOf();
    writeProgram(project, program([a, { ...b, commandLine: 'echo B' }, c].slice(1), 5));
    const text = await run('up');
    expect(text).toMatch(/task b changed: it is deleted, added again and runs again/);
    expect(text).toMatch(/~ 2 updated/);
    const after = await tasksOf();
    expect(Object.keys(after).sort()).toEqual(['b', 'c', 'last']);
    expect(after.b?.commandLine).toBe('echo B');
    expect(after.last?.constraints?.maxTaskRetryCount).toBe(5);
    expect(after.last?.creationTime).toEqual(before.last?.creationTime);
  });

  it('finds in a refresh that a task went, and adds it again', async () => {
    await (await client()).task.deleteMethod('work', 'c');
    await (await client()).task.deleteMethod('work', 'last');
    expect(await run('up', '--refresh')).toMatch(/\+ 1 created[^]*~ 1 updated/);
    expect(Object.keys(await tasksOf()).sort()).toEqual(['b', 'c', 'last']);
  });

  it('keeps the tasks that a job took when it refuses another one, and mends that by the next up', async () => {
    const bad = {
      id: 'd',
      commandLine: 'true',
      exitConditions: { default: { jobAction: 'terminate' } },
    };
    writeProgram(project, program([b, c, { id: 'ok', commandLine: 'true' }, bad], 5));
    const { code, text } = await stack.run('up');
    expect(code).not.toBe(0);
    expect(text).toMatch(
      /TaskCollection \(job work, account yard\): task d was refused: InvalidPropertyValue: .*jobAction/,
    );
    writeProgram(project, program([b, c, { id: 'd', commandLine: 'true' }], 5));
    await run('up');
    expect(Object.keys(await tasksOf()).sort()).toEqual(['b', 'c', 'd', 'last']);
  });

  it('makes a key anew when its trigger changes, and only that one', async () => {
    const before = await stack.outputs();
    writeProgram(project, program([b, c], 5, '2026-07-01'));
    expect(await run('up')).toMatch(/batchyard:Account account updated/);
    const after = await stack.outputs();
    expect(after.primary).toBe(before.primary);
    expect(after.secondary).not.toBe(before.secondary);
    const { url } = controller;
    const fresh = batchClient({ url, account: 'yard', key: String(after.secondary) });
    expect(await fresh.job.list()).toHaveLength(1);
    const old = batchClient({ url, account: 'yard', key: String(before.secondary) });
    await expect(old.job.list()).rejects.toMatchObject({ statusCode: 403 });
    expect(JSON.stringify(stack.stateFiles())).not.toContain(String(after.secondary));
  });

  it('removes the tasks with their resources', async () => {
    await run('destroy');
  });
});
