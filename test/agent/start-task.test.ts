import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { assignment } from '../support/fake-controller.js';
import { StartedAgent } from '../support/start-agent.js';
import { waitFor } from '../support/wait-for.js';

let agent: StartedAgent | undefined;
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

const thumbprint = 'ABCDEF0123456789ABCDEF0123456789ABCDEF01';
const certificates = [
  {
    thumbprint,
    format: 'pfx' as const,
    data: Buffer.from('private key').toString('base64'),
    password: 'pass word',
    visibility: ['starttask' as const, 'task' as const],
  },
  {
    thumbprint: 'aa',
    format: 'cer' as const,
    data: Buffer.from('public').toString('base64'),
    visibility: ['starttask' as const],
  },
];
const startTask = {
  environmentSettings: [],
  resourceFiles: [],
  maxTaskRetryCount: 0,
  waitForSuccess: true,
};

describe('certificates', () => {
  test('are there before the start task, for their user alone and for those who may see them', async () => {
    const commandLine = `sh -c 'ls $AZ_BATCH_CERTIFICATES_DIR; cat $AZ_BATCH_CERTIFICATES_DIR/*.pfx $AZ_BATCH_CERTIFICATES_DIR/*.pw'`;
    agent = await StartedAgent.start({
      configuration: { certificates, startTask: { ...startTask, commandLine } },
    });
    const { controller } = agent;
    await waitFor('the start task to end', () => controller.eventsOf('startTaskEnded').length > 0);
    const names = [
      `sha1-${thumbprint.toLowerCase()}.pfx`,
      `sha1-${thumbprint.toLowerCase()}.pfx.pw`,
    ];
    expect(agent.text('startup/stdout.txt')).toBe(
      `sha1-aa.cer\n${names.join('\n')}\nprivate keypass word`,
    );
    await controller.run(assignment('see', `sh -c 'ls $AZ_BATCH_CERTIFICATES_DIR'`));
    expect(agent.taskText('see')).toBe(`${names.join('\n')}\n`);
    const directory = join(agent.root, 'volatile/certificates/task');
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, names[0] ?? '')).mode & 0o777).toBe(0o400);
    const { response } = await controller.read(`workitems/Job/job-1/see/certs/${names[0]}`);
    expect(response).toMatchObject({ type: 'failed', code: 'InvalidPath' });
  });

  test('that can’t be written make the node unusable', async () => {
    agent = await StartedAgent.start({
      configuration: {
        certificates: [{ thumbprint: '../../x', format: 'cer', data: '', visibility: ['task'] }],
      },
    });
    const { controller } = agent;
    const [event] = await waitFor('the node to be unusable', () => {
      const events = controller.eventsOf('nodeUnusable');
      return events.length > 0 && events;
    });
    expect(event).toMatchObject({ code: 'NodePreparationError' });
  });
});

describe('the start task', () => {
  test('runs in startup/wd, is retried, and its last run decides', async () => {
    const commandLine = `sh -c 'pwd; test -e $AZ_BATCH_NODE_STARTUP_DIR/wd/seen || { touch seen; exit 4; }'`;
    agent = await StartedAgent.start({
      configuration: { startTask: { ...startTask, commandLine, maxTaskRetryCount: 2 } },
    });
    const { controller } = agent;
    await waitFor('two runs', () => controller.eventsOf('startTaskEnded').length === 2);
    expect(controller.eventsOf('startTaskEnded')).toMatchObject([
      { retryCount: 0, final: false, outcome: { exitCode: 4 } },
      { retryCount: 1, final: true, outcome: { exitCode: 0 } },
    ]);
    expect(agent.text('startup/stdout.txt')).toBe(`${agent.root}/startup/wd\n`);
    expect(await controller.run(assignment('after', 'true'))).toMatchObject({ exitCode: 0 });
  });

  test('that fails keeps tasks from starting', async () => {
    agent = await StartedAgent.start({
      configuration: { startTask: { ...startTask, commandLine: 'false' } },
    });
    const { controller } = agent;
    await waitFor('its end', () => controller.eventsOf('startTaskEnded').length === 1);
    controller.assign(assignment('never', 'true'));
    await waitFor(
      'the try to come back',
      () => controller.eventsOf('attemptReturned').length === 1,
    );
  });

  test('may leave a service running until the agent ends', async () => {
    const commandLine = `sh -c 'sleep 300 & echo $!'`;
    agent = await StartedAgent.start({
      configuration: { startTask: { ...startTask, commandLine } },
    });
    const { controller } = agent;
    await waitFor('its end', () => controller.eventsOf('startTaskEnded').length === 1);
    const pid = Number(agent.text('startup/stdout.txt'));
    const comm = () =>
      statSync(`/proc/${pid}`, { throwIfNoEntry: false }) &&
      readFileSync(`/proc/${pid}/comm`, 'utf8');
    await waitFor('the service to run on', () => comm() === 'sleep\n');
    agent.child.kill('SIGTERM');
    await agent.exited();
    await waitFor('the service to end with its node', () => comm() === undefined);
  });
});
