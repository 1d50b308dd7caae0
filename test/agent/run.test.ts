import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { StartedAgent } from '../support/start-agent.js';
import { waitFor } from '../support/wait-for.js';

let agent: StartedAgent;
let controller: FakeController;

beforeAll(async () => {
  // The flags that process nodes start their agents with.
  const NODE_OPTIONS = '--max-old-space-size=128 --max-semi-space-size=1';
  agent = await StartedAgent.start({ environment: { SECRET_OF_THE_AGENT: 'x', NODE_OPTIONS } });
  controller = agent.controller;
  await controller.prepared();
});
afterAll(() => agent.stop());

/** Whether a process lives; a zombie doesn't. */
const lives = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

describe('enrolment', () => {
  test('sends the token with a secret of its own, and the seed is gone', async () => {
    expect(controller.enrolments).toHaveLength(1);
    expect(Buffer.from(controller.enrolments[0]?.secret ?? '', 'base64url')).toHaveLength(32);
    await waitFor('the seed to go', () => !readdirSync(agent.folder).includes('seed.json'));
    expect(controller.linkHeaders[0]).toMatchObject({
      authorization: `Bearer ${controller.enrolments[0]?.secret}`,
      'x-batchyard-node': 'acct/pool/node-1;1',
    });
  });

  test('keeps the secret where only its user reads, and the token nowhere', () => {
    const file = join(agent.root, 'volatile/agent/state.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(controller.enrolments[0]?.token);
  });

  test('an idle agent stays small', () => {
    const resident = /VmRSS:\s+(\d+)/.exec(
      readFileSync(`/proc/${agent.child.pid}/status`, 'utf8'),
    )?.[1];
    expect(Number(resident) / 1024).toBeLessThan(70);
  });
});

describe('a task', () => {
  test('runs in its wd with stdout.txt and stderr.txt beside it', async () => {
    const outcome = await controller.run(assignment('plain', `sh -c "pwd; echo bad >&2"`));
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(outcome.failure).toBeUndefined();
    expect(agent.taskText('plain')).toBe(`${agent.root}/workitems/Job/job-1/plain/wd\n`);
    expect(agent.taskText('plain', 'stderr.txt')).toBe('bad\n');
  });

  test.each([0, 1, 3, 255])('that exits with %i ends so', async (code) => {
    expect(await controller.run(assignment(`exit-${code}`, `sh -c "exit ${code}"`))).toMatchObject({
      exitCode: code,
    });
  });

  test('that dies by a signal ends with minus its number', async () => {
    expect(await controller.run(assignment('signal', `sh -c 'kill -9 $$'`))).toMatchObject({
      exitCode: -9,
    });
    expect(await controller.run(assignment('signal-15', `sh -c 'kill -15 $$'`))).toMatchObject({
      exitCode: -15,
    });
  });

  test('gets no shell', async () => {
    await controller.run(assignment('no-shell', `echo $HOME > out && "a  b" 'c'`));
    expect(agent.taskText('no-shell')).toBe('$HOME > out && a  b c\n');
  });

  test('finds its program relative to wd, on PATH, and with the arguments as they are', async () => {
    const outcome = await controller.run(
      assignment('relative', `sh -c 'printf "#!/bin/sh\\necho ran \\$1" > p; chmod +x p; ./p one'`),
    );
    expect(outcome.exitCode).toBe(0);
    expect(agent.taskText('relative')).toBe('ran one\n');
  });

  test('starts with default signals, in a session of its own, without the agent’s files', async () => {
    await controller.run(
      assignment(
        'clean',
        `sh -c 'cat /proc/self/stat; grep SigIgn /proc/self/status; ls /proc/self/fd'`,
      ),
    );
    const [stat, ignored, ...descriptors] = agent.taskText('clean').trim().split('\n');
    expect(stat?.split(' ')[5]).not.toBe(String(agent.child.pid));
    // glibc leaves its two internal signals, 32 and 33, ignored.
    expect(ignored).toMatch(/0{7}[01][08]0{7}$/);
    expect(descriptors).toEqual(['0', '1', '2', '3']);
  });

  test.each([
    ['missing', 'no-such-program-here', 'CommandProgramNotFound'],
    ['missing-path', '/no/such/program', 'CommandProgramNotFound'],
    ['not-executable', '/etc/hostname', 'CommandLaunchFailed'],
    ['directory', '/etc', 'CommandLaunchFailed'],
    ['quotes', 'echo "never closed', 'CommandLaunchFailed'],
  ])('that cannot be started (%s) fails before its process', async (name, commandLine, code) => {
    const outcome = await controller.run(assignment(name, commandLine));
    expect(outcome).toMatchObject({
      preProcessing: true,
      failure: { code, category: 'usererror' },
    });
    expect(outcome.exitCode).toBeUndefined();
  });

  test('with an environment larger than the system takes fails, and the next one runs', async () => {
    const value = 'x'.repeat(1_000_000);
    const huge = assignment('huge', 'true', { environmentSettings: [{ name: 'HUGE', value }] });
    expect(await controller.run(huge)).toMatchObject({
      failure: { code: 'CommandLaunchFailed' },
      preProcessing: true,
    });
    expect(await controller.run(assignment('after-huge', 'true'))).toMatchObject({ exitCode: 0 });
  });

  test('gets the variables of Batch, old names too, and none of the agent’s own', async () => {
    const settings = [
      { name: 'MINE', value: 'common' },
      { name: 'MINE', value: 'task' },
      { name: 'AZ_BATCH_TASK_ID', value: 'forged' },
    ];
    await controller.run(
      assignment('environment', 'env', {
        environmentSettings: settings,
        authenticationToken: 't0ken',
      }),
    );
    const environment = Object.fromEntries(
      agent
        .taskText('environment')
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s, 2)),
    ) as Record<string, string>;
    const directory = `${agent.root}/workitems/Job/job-1/environment`;
    expect(environment).toMatchObject({
      MINE: 'task',
      AZ_BATCH_ACCOUNT_NAME: 'acct',
      AZ_BATCH_ACCOUNT_URL: 'https://acct.example/',
      AZ_BATCH_POOL_ID: 'Pool',
      AZ_BATCH_NODE_ID: 'Node-1',
      AZ_BATCH_NODE_IS_DEDICATED: 'true',
      AZ_BATCH_JOB_ID: 'Job',
      AZ_BATCH_TASK_ID: 'environment',
      AZ_BATCH_AUTHENTICATION_TOKEN: 't0ken',
      AZ_BATCH_NODE_ROOT_DIR: agent.root,
      AZ_BATCH_NODE_SHARED_DIR: `${agent.root}/shared`,
      AZ_BATCH_NODE_STARTUP_DIR: `${agent.root}/startup`,
      AZ_BATCH_NODE_MOUNTS_DIR: `${agent.root}/fsmounts`,
      AZ_BATCH_TASK_DIR: directory,
      AZ_BATCH_TASK_WORKING_DIR: `${directory}/wd`,
      AZ_BATCH_CERTIFICATES_DIR: `${directory}/certs`,
      AZ_BATCH_NODE_TASK_DIR: directory,
      AZ_BATCH_NODE_TASK_WORKING_DIR: `${directory}/wd`,
      AZ_BATCH_NODE_START_DIR: `${agent.root}/startup`,
      AZ_BATCH_TASK_ROOT_DIR: directory,
    });
    expect(environment).not.toHaveProperty('SECRET_OF_THE_AGENT');
    expect(JSON.stringify(environment)).not.toContain(controller.enrolments[0]?.secret);
  });

  test('that runs again starts with an empty directory', async () => {
    await controller.run(assignment('again', `sh -c "echo one; touch left"`));
    await controller.run(assignment('again', 'ls', { attempt: 2 }));
    expect(agent.taskText('again')).toBe('');
  });

  test('reports the processor time it used', async () => {
    const outcome = await controller.run(
      assignment('busy', `sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'`),
    );
    expect(outcome.userCpuMs).toBeGreaterThan(10);
  });

  test('may write binary without end until it is stopped', async () => {
    controller.assign(assignment('endless', 'cat /dev/urandom'));
    await waitFor('some output', () => {
      const file = join(agent.root, 'workitems/Job/job-1/endless/stdout.txt');
      return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 100_000;
    });
    controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/endless', attempt: 1 }] });
    expect((await controller.ended('acct/job/endless')).outcome).toMatchObject({ stopped: true });
    const { body } = await controller.read('workitems/Job/job-1/endless/stdout.txt', {
      start: 0,
      end: 9_999,
    });
    expect(body).toHaveLength(10_000);
  });
});

describe('the end of a task', () => {
  test('comes at its wall-clock limit, whatever it ignores', async () => {
    const stubborn = assignment('limit', `sh -c "trap '' TERM; while :; do sleep 1; done"`, {
      maxWallClockTimeMs: 300,
    });
    expect(await controller.run(stubborn)).toMatchObject({
      exitCode: -9,
      failure: { code: 'TaskEnded' },
    });
  });

  test('by a stop takes grandchildren of the session with it', async () => {
    controller.assign(
      assignment('family', `bash -c 'set -m; sleep 300 & echo $!; (sleep 301 & echo $!); wait'`),
    );
    const pids = await waitFor('two grandchildren', () => {
      const lines = agent.has('workitems/Job/job-1/family/stdout.txt')
        ? agent.taskText('family').trim().split('\n')
        : [];
      return lines.length === 2 && lines.map(Number);
    });
    expect(pids.every(lives)).toBe(true);
    controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/family', attempt: 1 }] });
    await controller.ended('acct/job/family');
    await waitFor('the grandchildren to die', () => !pids.some(lives));
  });

  test('takes background processes of its group with it', async () => {
    await controller.run(assignment('background', `sh -c 'sleep 300 & echo $!'`));
    const pid = Number(agent.taskText('background'));
    await waitFor('the background process to die', () => !lives(pid));
  });

  test('sees its directory go after the retention time or on request', async () => {
    await controller.run(assignment('remove', 'true'));
    expect(agent.has('workitems/Job/job-1/remove')).toBe(true);
    controller.send({ type: 'removeDirectories', directories: ['workitems/Job/job-1/remove'] });
    await waitFor('the directory to go', () => !agent.has('workitems/Job/job-1/remove'));
  });
});

test('a directory outside of workitems is refused', async () => {
  mkdirSync(join(agent.folder, 'outside'));
  writeFileSync(join(agent.folder, 'outside/kept'), '');
  chmodSync(join(agent.folder, 'outside/kept'), 0o600);
  const outcome = await controller.run(
    assignment('escape', 'true', { directory: 'workitems/../../outside' }),
  );
  expect(outcome).toMatchObject({
    preProcessing: true,
    failure: { code: 'ResourceDirectoryCreateFailed' },
  });
  controller.send({ type: 'removeDirectories', directories: ['../outside'] });
  await controller.run(assignment('after-escape', 'true'));
  expect(readdirSync(join(agent.folder, 'outside'))).toEqual(['kept']);
});
