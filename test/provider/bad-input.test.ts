import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { application } from '../../provider/core/application/application.js';
import { applicationPackage } from '../../provider/core/application/package.js';
import { certificate } from '../../provider/core/certificate/certificate.js';
import { job } from '../../provider/core/job/job.js';
import { jobSchedule } from '../../provider/core/job/job-schedule.js';
import type { Properties } from '../../provider/core/json.js';
import type { Kind } from '../../provider/core/kind.js';
import { pool } from '../../provider/core/pool/pool.js';
import { storageContainer } from '../../provider/core/storage/storage-container.js';
import { task } from '../../provider/core/task/task.js';
import { taskCollection } from '../../provider/core/task/task-collection.js';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { Stack, writeProgram, writeProject } from './pulumi-stack.js';
import { POOL } from './ports.js';
import { startProxy, type Proxy } from './proxy.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);

const MACHINE = `
const machine = {
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: { virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' }, nodeAgentSkuId: 'batch.node.process',
  } },
};`;
const ACCOUNT = `const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'yard' });
module.exports = { primaryKey };`;
const withJob = (args = '') =>
  `new batchyard.Job('job', { accountName, jobId: 'work', poolInfo: { poolId: 'none-yet' }, ${args} });`;
const SECRET = 'a password that nothing may show';

describe('the check of each kind says what is wrong with which property', () => {
  const child = { accountName: 'yard' };
  const poolInfo = { poolId: 'p' };
  const cases: [Kind, Properties, string, RegExp][] = [
    [account, { accountName: 'YARD' }, 'accountName', /3 to 24 lower-case/],
    [pool, { ...POOL, taskSlotsPerNode: 'two' }, 'taskSlotsPerNode', /must be a whole number/],
    [pool, { ...POOL, surplus: 1 }, 'surplus', /is unknown here; known are/],
    [job, { ...child, jobId: 'j', poolInfo, priority: 5000 }, 'priority', /1000/],
    [
      job,
      { ...child, jobId: 'j', poolInfo, timeouts: { create: 'soon' } },
      'timeouts',
      /create: .*PT20M/,
    ],
    [
      jobSchedule,
      {
        ...child,
        jobScheduleId: 's',
        schedule: { recurrenceInterval: 'daily' },
        jobSpecification: { poolInfo },
      },
      'schedule',
      /schedule\.recurrenceInterval: /,
    ],
    [task, { ...child, jobId: 'j', taskId: 't' }, 'commandLine', /is required/],
    [
      taskCollection,
      { ...child, jobId: 'j', tasks: ['t', 'T'].map((id) => ({ id, commandLine: 'x' })) },
      'tasks',
      /the id T occurs twice/,
    ],
    [
      certificate,
      { ...child, data: SECRET, selfSigned: { commonName: 'x' } },
      'selfSigned',
      /exactly one/,
    ],
    [
      applicationPackage,
      { ...child, applicationName: 'a', versionName: '1', source: 'no-such' },
      'source',
      /no-such is not a file or a folder/,
    ],
    [
      storageContainer,
      { ...child, containerName: 'No_Name' },
      'containerName',
      /3 to 63 lower-case/,
    ],
    [application, { ...child, applicationName: 'a b' }, 'applicationName', /1 to 64 letters/],
  ];
  const named = cases.map(([kind, inputs, property, reason]) => ({
    name: kind.name,
    kind,
    inputs,
    property,
    reason,
  }));
  it.each(named)('$name: $property', async ({ kind, inputs, property, reason }) => {
    const { failures } = await kind.check({}, inputs);
    expect(failures.map((failure) => failure.property)).toEqual([property]);
    expect(failures[0]?.reason).toMatch(reason);
    expect(JSON.stringify(failures)).not.toContain(SECRET);
  });
});

suite('what goes wrong, with the real CLI', [pulumiCli], () => {
  const folder = tempDirectory('bad-input');
  const said: string[] = [];
  let controller: StartedController;
  let proxy: Proxy;
  let stack: Stack;
  let project: string;

  beforeAll(async () => {
    controller = await startController();
    proxy = await startProxy(controller.url);
    project = writeProject(join(folder.path, 'project'), '');
    stack = new Stack(binaries ?? '', folder.path, {}, project);
    await stack.init();
    await stack.set('batchyard:endpoint', 'http://127.0.0.1:1');
    await stack.set('batchyard:adminToken', controller.adminToken, '--secret');
  });
  afterAll(async () => {
    await proxy.stop();
    await controller.stop();
    folder.remove();
  });
  const run = async (program: string, command: string, ...flags: string[]) => {
    writeProgram(project, program);
    const outcome = await stack.run(command, ...flags);
    said.push(outcome.text);
    return outcome;
  };
  const succeed = async (program: string, command = 'up', ...flags: string[]) => {
    const { code, text } = await run(program, command, ...flags);
    expect(code, text).toBe(0);
    return text;
  };
  const fail = async (program: string, command = 'up', ...flags: string[]) => {
    const { code, text } = await run(program, command, ...flags);
    expect(code, text).not.toBe(0);
    return text;
  };
  const client = async () =>
    batchClient({
      url: controller.url,
      account: 'yard',
      key: String((await stack.outputs()).primaryKey),
    });

  it('names resource, property and what is allowed in a preview that needs no controller', async () => {
    const text = await fail(
      `${MACHINE}
new batchyard.Pool('nodes', { ...machine, accountName: 'yard', poolName: 'a/b', taskSlotsPerNode: 2,
  scaleSettings: { fixedScale: { targetDedicatedNodes: -1 } } });`,
      'preview',
    );
    expect(text).toMatch(/batchyard:Pool resource 'nodes': property poolName value \{a\/b\}/);
    expect(text).toMatch(/scaleSettings\.fixedScale\.targetDedicatedNodes/);
  });

  it('previews without a controller, also where names are not known yet', async () => {
    const text = await succeed(
      `${MACHINE}${ACCOUNT}
const later = primaryKey.apply((key) => 'pool-' + key.length);
const pool = new batchyard.Pool('pool', { ...machine, accountName, poolName: later, startTask: { commandLine: later } });
new batchyard.Task('task', { accountName, jobId: pool.poolName, taskId: pool.poolName, commandLine: later });`,
      'preview',
    );
    expect(text).toMatch(/\+ 4 to create/);
  });

  it('says that the controller is down, where it was looked for, and what to check', async () => {
    const text = await fail(`${ACCOUNT}`);
    expect(text).toMatch(
      /Account yard: the controller at http:\/\/127\.0\.0\.1:1 can't be reached: .*; is it running, and is batchyard:endpoint right\?/,
    );
  });

  it('says that the token is wrong', async () => {
    await stack.set('batchyard:endpoint', controller.url);
    await stack.set('batchyard:adminToken', 'a-wrong-token', '--secret');
    expect(await fail(ACCOUNT)).toMatch(
      /Account yard: .*: 401 InvalidAuthenticationToken: .*; check the admin token/,
    );
    await stack.set('batchyard:adminToken', controller.adminToken, '--secret');
  });

  it('waits for a controller that restarts', async () => {
    await stack.set('batchyard:endpoint', proxy.url);
    let tried = 0;
    proxy.intercept = () => void (tried += 1);
    await controller.kill();
    writeProgram(project, ACCOUNT);
    const { done } = stack.start('up');
    await waitFor('a second try', () => tried >= 2, { timeoutMs: 60_000 });
    await controller.restart();
    const { code, text } = await done;
    expect(code, text).toBe(0);
  });

  it('takes what it made when the answer was lost on the way', async () => {
    const asked: string[] = [];
    proxy.intercept = (request) => {
      asked.push(request);
      const first = asked.filter((one) => one === 'POST /jobs').length === 1;
      return request === 'POST /jobs' && first ? 'lose the answer' : undefined;
    };
    await succeed(`${ACCOUNT}${withJob()}`);
    expect(asked.filter((one) => one === 'POST /jobs')).toHaveLength(2);
    proxy.intercept = () => undefined;
  });

  it('keeps the state when the endpoint is something else that answers 404', async () => {
    const other = createServer((_request, response) => response.writeHead(404).end('{}'));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    await stack.set('batchyard:endpoint', elsewhere);
    // A refresh uses the configuration that the last update left in the state; the program brings the new one.
    const text = await fail(`${ACCOUNT}${withJob()}`, 'refresh', '--run-program');
    expect(text).toMatch(/404/);
    other.close();
    const exported = await stack.must(['stack', 'export', '--stack', stack.name]);
    expect(exported).toContain('batchyard:Job');
    expect(exported).toContain('batchyard:Account');
  });

  it('tells what it waits for while something is being deleted', async () => {
    await stack.set('batchyard:endpoint', proxy.url);
    let deletedAt = Infinity;
    proxy.intercept = (request) => {
      if (request === 'DELETE /jobs/work') deletedAt = Math.min(deletedAt, Date.now());
      const going = request === 'GET /jobs/work' && Date.now() - deletedAt < 4_500;
      return deletedAt < Infinity && going
        ? { status: 200, body: { id: 'work', state: 'deleting' } }
        : undefined;
    };
    expect(await succeed(ACCOUNT)).toMatch(/job work is being deleted: state deleting, \d s/);
    proxy.intercept = () => undefined;
    await stack.set('batchyard:endpoint', controller.url);
  });

  it('refuses what exists already, takes it over when told to, and never what can not be changed', async () => {
    await (await client()).job.add({ id: 'work', poolInfo: { poolId: 'none-yet' }, priority: 7 });
    expect(await fail(`${ACCOUNT}${withJob()}`)).toMatch(
      /Job work \(account yard\): exists already and is not this stack's: choose another jobId, or set adoptExisting/,
    );
    expect(
      await fail(`${ACCOUNT}${withJob('adoptExisting: true, usesTaskDependencies: true')}`),
    ).toMatch(/exists already with another usesTaskDependencies, which can't be changed in place/);
    await succeed(`${ACCOUNT}${withJob('adoptExisting: true, priority: 9')}`);
    expect((await (await client()).job.get('work')).priority).toBe(9);
    await succeed(
      `${ACCOUNT}${withJob('adoptExisting: true, priority: 9')}`,
      'up',
      '--expect-no-changes',
    );
  });

  it('keeps a pool that did not get its nodes in the state, and mends or removes it', async () => {
    await stack.set('batchyard:endpoint', controller.url);
    const withPool = (more: string) => `${MACHINE}${ACCOUNT}
new batchyard.Pool('pool', { ...machine, accountName, poolName: 'p', ${more} });`;
    const broken =
      withPool(`waitFor: 'nodesIdle', scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
      startTask: { commandLine: '/bin/false', waitForSuccess: true },
      userAccounts: [{ name: 'u', password: '${SECRET}' }]`);
    expect(await fail(broken)).toMatch(
      /Pool p \(account yard\): node .* of pool p is starttaskfailed/,
    );
    expect(await stack.must(['stack', 'export', '--stack', stack.name])).toContain(
      'batchyard:Pool',
    );
    await succeed(ACCOUNT);
    expect(await (await client()).pool.list()).toHaveLength(0);
  });

  it('takes over what a create had made that Ctrl-C ended', async () => {
    const withPool = (waitFor: string) => `${MACHINE}${ACCOUNT}
new batchyard.Pool('pool', { ...machine, accountName, poolName: 'p', waitFor: '${waitFor}',
  scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
  startTask: { commandLine: '/bin/sleep 300', waitForSuccess: true } });`;
    writeProgram(project, withPool('nodesIdle'));
    const { child, done, said: seen } = stack.start('up');
    const batch = await client();
    const made = await waitFor('the pool', async () => (await batch.pool.list())[0]?.creationTime, {
      timeoutMs: 30_000,
    });
    child.kill('SIGINT');
    await waitFor('the first one to be understood', () => seen().includes('^C received'), {
      timeoutMs: 20_000,
    });
    child.kill('SIGINT');
    const { code } = await done;
    expect(code).not.toBe(0);
    await succeed(withPool('accepted'));
    expect((await batch.pool.get('p')).creationTime).toEqual(made);
    await succeed('', 'destroy');
  });

  it('has shown no secret in any output, log or state file', () => {
    const texts = [...said, controller.logs(), ...stack.stateFiles().map(({ text }) => text)];
    for (const secret of [SECRET, controller.adminToken, 'a-wrong-token'])
      expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  });
});
