import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

/** The whole environment, one variable after another with NUL between them. */
const PRINT = '/usr/bin/env -0';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
let nodeId = '';
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
  await client.pool.add({
    ...PROCESS_POOL,
    id: 'work',
    targetDedicatedNodes: 1,
    startTask: {
      commandLine: PRINT,
      environmentSettings: [
        { name: 'MINE', value: 'start' },
        { name: 'AZ_BATCH_POOL_ID', value: 'fake' },
      ],
      waitForSuccess: true,
    },
  });
  await client.pool.add({ ...PROCESS_POOL, id: 'spot', targetLowPriorityNodes: 1 });
  nodeId = (await until.nodes('work', 'idle'))[0]?.id ?? '';
});
afterAll(() => controller.stop());

const parse = (text: string) =>
  Object.fromEntries(
    text
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  ) as Record<string, string>;

let number = 0;
async function environmentOf(task: object, job: object = {}) {
  const jobId = `Job${String((number += 1))}`;
  await client.job.add({ id: jobId, poolInfo: { poolId: 'work' }, ...job });
  await client.task.add(jobId, { id: 'Task', commandLine: PRINT, ...task });
  const { executionInfo } = await until.task(jobId, 'Task');
  expect(executionInfo).toMatchObject({ exitCode: 0 });
  const answer = await signedRequest(
    controller,
    'GET',
    `/jobs/${jobId}/tasks/Task/files/stdout.txt`,
  );
  return { jobId, variables: parse(answer.text) };
}

describe('the environment of a task', () => {
  it('names account, pool, node, job and task', async () => {
    const { jobId, variables } = await environmentOf({});
    expect(variables).toMatchObject({
      AZ_BATCH_ACCOUNT_NAME: controller.account,
      AZ_BATCH_POOL_ID: 'work',
      AZ_BATCH_NODE_ID: nodeId,
      AZ_BATCH_NODE_IS_DEDICATED: 'true',
      AZ_BATCH_JOB_ID: jobId,
      AZ_BATCH_TASK_ID: 'Task',
    });
    expect(variables['AZ_BATCH_ACCOUNT_URL']?.replace(/\/$/, '')).toBe(controller.url);
  });

  it('names the directories of the node and of the task, which are there', async () => {
    const names = [
      'NODE_ROOT_DIR',
      'NODE_SHARED_DIR',
      'NODE_STARTUP_DIR',
      'NODE_MOUNTS_DIR',
      'TASK_DIR',
      'TASK_WORKING_DIR',
    ].map((name) => `AZ_BATCH_${name}`);
    const test = names.map((name) => `[ -d "$${name}" ]`).join(' && ');
    const { jobId, variables } = await environmentOf({
      commandLine: sh(`${test} && [ "$PWD" = "$AZ_BATCH_TASK_WORKING_DIR" ] && env -0`),
    });
    const root = variables['AZ_BATCH_NODE_ROOT_DIR'] ?? '';
    const taskDirectory = `${root}/workitems/${jobId}/job-1/Task`;
    expect(variables).toMatchObject({
      AZ_BATCH_NODE_SHARED_DIR: `${root}/shared`,
      AZ_BATCH_NODE_STARTUP_DIR: `${root}/startup`,
      AZ_BATCH_NODE_MOUNTS_DIR: `${root}/fsmounts`,
      AZ_BATCH_TASK_DIR: taskDirectory,
      AZ_BATCH_TASK_WORKING_DIR: `${taskDirectory}/wd`,
      AZ_BATCH_CERTIFICATES_DIR: `${taskDirectory}/certs`,
    });
    const bytes = Number(variables['AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES']);
    expect(bytes).toBeGreaterThan(0);
  });

  it('has the names of the oldest documents too', async () => {
    const { variables } = await environmentOf({});
    const root = variables['AZ_BATCH_NODE_ROOT_DIR'] ?? '';
    expect(variables).toMatchObject({
      AZ_BATCH_NODE_START_DIR: `${root}/startup`,
      AZ_BATCH_TASK_ROOT_DIR: variables['AZ_BATCH_TASK_DIR'],
      AZ_BATCH_NODE_TASK_DIR: variables['AZ_BATCH_TASK_DIR'],
      AZ_BATCH_NODE_TASK_WORKING_DIR: variables['AZ_BATCH_TASK_WORKING_DIR'],
    });
  });

  it('has no token, host list or preparation directory where the task asks for none', async () => {
    const { variables } = await environmentOf({});
    for (const name of [
      'AUTHENTICATION_TOKEN',
      'HOST_LIST',
      'NODE_LIST',
      'MASTER_NODE',
      'IS_CURRENT_NODE_MASTER',
      'JOB_PREP_DIR',
      'JOB_PREP_WORKING_DIR',
    ])
      expect(variables, name).not.toHaveProperty(`AZ_BATCH_${name}`);
    expect(variables).not.toHaveProperty('CCP_NODES');
  });

  it('has nothing of the controller in it', async () => {
    const { variables } = await environmentOf({});
    expect(Object.keys(variables).filter((name) => name.startsWith('BATCHYARD'))).toEqual([]);
    expect(Object.values(variables).join(' ')).not.toContain(controller.key);
  });

  it("has the job's settings, which the task's of the same name replace", async () => {
    const { variables } = await environmentOf(
      { environmentSettings: [{ name: 'BOTH', value: 'task' }, { name: 'TASK' }] },
      {
        commonEnvironmentSettings: [
          { name: 'BOTH', value: 'job' },
          { name: 'JOB', value: 'j' },
        ],
      },
    );
    expect(variables).toMatchObject({ BOTH: 'task', JOB: 'j', TASK: '' });
  });

  it('keeps every character of a setting', async () => {
    const settings = [
      { name: 'QUOTES', value: `a 'b' "c" \\ $HOME \`x\` %d` },
      { name: 'LINES', value: 'one\ntwo\n' },
      { name: 'EQUALS', value: '=a=b=' },
      { name: 'UNICODE', value: 'Grüße 世界 🚀' },
      { name: 'with.dots-and-dashes', value: ' blanks ' },
      { name: 'EMPTY', value: '' },
      { name: 'LARGE', value: 'x'.repeat(20_000) },
    ];
    const { variables } = await environmentOf({ environmentSettings: settings });
    for (const { name, value } of settings) expect([name, variables[name]]).toEqual([name, value]);
  });

  it('keeps its system variables, whatever the settings say', async () => {
    const fakes = [
      'AZ_BATCH_JOB_ID',
      'AZ_BATCH_TASK_ID',
      'AZ_BATCH_POOL_ID',
      'AZ_BATCH_NODE_ROOT_DIR',
      'AZ_BATCH_TASK_WORKING_DIR',
      'AZ_BATCH_NODE_TASK_DIR',
    ].map((name) => ({ name, value: 'fake' }));
    const { jobId, variables } = await environmentOf(
      { environmentSettings: fakes },
      { commonEnvironmentSettings: fakes },
    );
    expect(variables['AZ_BATCH_JOB_ID']).toBe(jobId);
    for (const { name } of fakes) expect([name, variables[name]]).not.toEqual([name, 'fake']);
  });

  it('lets a setting replace what the node lends, such as PATH', async () => {
    const { variables } = await environmentOf({
      environmentSettings: [{ name: 'PATH', value: '/usr/bin:/bin' }],
    });
    expect(variables['PATH']).toBe('/usr/bin:/bin');
    expect((await environmentOf({})).variables['PATH']).toContain('/bin');
  });

  it('reads back in the order it was given', async () => {
    const environmentSettings = [
      { name: 'B', value: '1' },
      { name: 'A', value: '2' },
    ];
    const { jobId } = await environmentOf({ environmentSettings });
    expect((await client.task.get(jobId, 'Task')).environmentSettings).toEqual(environmentSettings);
  });

  it('says on a low-priority node that it is not dedicated', async () => {
    const { variables } = await environmentOf({}, { poolInfo: { poolId: 'spot' } });
    expect(variables['AZ_BATCH_NODE_IS_DEDICATED']).toBe('false');
  });

  it('is not expanded in the command line without a shell', async () => {
    const commandLine = '/bin/echo $AZ_BATCH_TASK_ID ${X}';
    await client.job.add({ id: 'plain', poolInfo: { poolId: 'work' } });
    await client.task.add('plain', { id: 't', commandLine });
    await until.task('plain', 't');
    const answer = await signedRequest(controller, 'GET', '/jobs/plain/tasks/t/files/stdout.txt');
    expect(answer.text).toBe('$AZ_BATCH_TASK_ID ${X}\n');
  });
});

describe('the environment of a start task', () => {
  it('has its settings and the variables of the node, but no job and no task', async () => {
    const answer = await signedRequest(
      controller,
      'GET',
      `/pools/work/nodes/${nodeId}/files/startup/stdout.txt`,
    );
    const variables = parse(answer.text);
    const root = variables['AZ_BATCH_NODE_ROOT_DIR'] ?? '';
    expect(variables).toMatchObject({
      MINE: 'start',
      AZ_BATCH_ACCOUNT_NAME: controller.account,
      AZ_BATCH_POOL_ID: 'work',
      AZ_BATCH_NODE_ID: nodeId,
      AZ_BATCH_NODE_IS_DEDICATED: 'true',
      AZ_BATCH_NODE_STARTUP_DIR: `${root}/startup`,
      AZ_BATCH_TASK_DIR: `${root}/startup`,
      AZ_BATCH_TASK_WORKING_DIR: `${root}/startup/wd`,
      AZ_BATCH_CERTIFICATES_DIR: `${root}/startup/certs`,
    });
    expect(variables).not.toHaveProperty('AZ_BATCH_JOB_ID');
    expect(variables).not.toHaveProperty('AZ_BATCH_TASK_ID');
  });
});
