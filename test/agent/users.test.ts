import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assignment } from '../../protocol/agent/assignment.js';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { FakeStorage } from '../support/fake-storage.js';
import { rootRequirement, suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';
import { waitFor } from '../support/wait-for.js';

const FIRST = 0x7fe0_0000;
const COUNT = 2_048;
const POOL_USER = FIRST + 4;
const admin = { autoUser: { scope: 'pool', elevationLevel: 'admin' } } as const;
const alone = { autoUser: { scope: 'task', elevationLevel: 'nonadmin' } } as const;

const root = await rootRequirement();

suite('tasks of an agent that is root', [root], () => {
  let agent: StartedAgent;
  let controller: FakeController;
  let storage: FakeStorage;
  const certificate = (thumbprint: string, visibility: ('starttask' | 'task')[]) => ({
    thumbprint,
    format: 'pfx' as const,
    data: Buffer.from('key').toString('base64'),
    password: 'open',
    visibility,
  });
  const run = (taskId: string, script: string, more: Partial<Assignment> = {}) =>
    controller.run(assignment(taskId, `sh -c '${script}'`, more));
  const at = (taskId: string, file = '.') => join(agent.root, 'workitems/Job/job-1', taskId, file);

  beforeAll(async () => {
    storage = await FakeStorage.start();
    storage.files.set('/tool', '#!/bin/sh\nid -u');
    agent = await StartedAgent.start({
      seed: { taskUsers: { kind: 'numbers', first: FIRST, count: COUNT } },
      configuration: {
        certificates: [certificate('aa', ['starttask']), certificate('bb', ['task'])],
        userAccounts: [
          { name: 'jane', password: 'p', elevationLevel: 'nonadmin', uid: 1000, gid: 1000 },
          { name: 'boss', password: 'p', elevationLevel: 'admin' },
        ],
        startTask: {
          commandLine: `sh -c 'id -u; cat "$AZ_BATCH_CERTIFICATES_DIR"/sha1-aa.pfx.pw; echo of-start > for-tasks; ./tool; ls -A'`,
          environmentSettings: [],
          resourceFiles: [{ httpUrl: storage.url('/tool'), filePath: 'tool' }],
          maxTaskRetryCount: 0,
          waitForSuccess: true,
        },
      },
    });
    controller = agent.controller;
    const started = await waitFor(
      'the end of the start task',
      () => controller.eventsOf('startTaskEnded')[0],
    );
    expect(started.outcome, agent.log).toMatchObject({ exitCode: 0 });
  });
  afterAll(async () => {
    await agent.stop();
    await storage.close();
  });

  test('are the pool’s own user unless they ask for another, and own what they make', async () => {
    expect(
      await run('plain', 'id -u; id -G; umask; echo $HOME; echo $USER; touch made'),
    ).toMatchObject({ exitCode: 0 });
    const [uid, groups, umask, home, user] = agent.taskText('plain').split('\n');
    expect(Number(uid)).toBe(POOL_USER);
    expect(groups).toBe(`${POOL_USER} ${FIRST} ${FIRST + 2}`);
    expect([umask, user]).toEqual(['0022', '_azbatch']);
    expect(statSync(home ?? '')).toMatchObject({ uid: POOL_USER });
    for (const file of ['.', 'wd', 'wd/made', 'stdout.txt', 'stderr.txt'])
      expect(statSync(at('plain', file)).uid, file).toBe(POOL_USER);
    expect(statSync(at('plain')).mode & 0o777).toBe(0o700);
  });

  test('of scope task have a fresh user each, also after the agent began again', async () => {
    const uids: number[] = [];
    for (const [attempt, taskId] of [
      [1, 'alone'],
      [1, 'alone-2'],
      [2, 'alone'],
    ] as const) {
      await run(taskId, 'id -u; echo $HOME', { userIdentity: alone, attempt });
      const [uid, home] = agent.taskText(taskId).split('\n');
      uids.push(Number(uid));
      expect(home).toBe(at(taskId, 'wd'));
    }
    expect(new Set(uids).size).toBe(3);
    expect(uids.every((uid) => uid >= FIRST + 128 && uid < FIRST + COUNT)).toBe(true);
  });

  test('that are elevated are root', async () => {
    for (const [name, userIdentity] of [
      ['auto', admin],
      ['named', { username: 'boss' }],
    ] as const) {
      await run(`root-${name}`, 'id -u; echo $HOME $USER', { userIdentity });
      expect(agent.taskText(`root-${name}`)).toBe('0\n/root root\n');
    }
  });

  test('of a named account are that user, with a number of the node’s and not the machine’s', async () => {
    await run('named', 'id -u; echo $USER', { userIdentity: { username: 'jane' } });
    const [uid, name] = agent.taskText('named').split('\n');
    expect(name).toBe('jane');
    expect(Number(uid)).toBe(FIRST + 5);
  });

  test('that name no account of the pool fail before their process', async () => {
    const outcome = await run('nobody', 'true', { userIdentity: { username: 'joe' } });
    expect(outcome).toMatchObject({
      preProcessing: true,
      failure: { category: 'usererror', code: 'CommandLaunchFailed' },
    });
    expect(outcome.failure?.message).toMatch(/"joe".*it has jane, boss/);
  });

  test('can’t read another user’s task, nor anything of the agent', async () => {
    await run('secret', 'echo hidden > mine', { userIdentity: alone });
    const targets = [
      at('secret', 'wd/mine'),
      at('secret', 'stdout.txt'),
      join(agent.root, 'volatile/agent/state.json'),
      join(agent.root, 'volatile/agent/agent.log'),
      `/proc/${agent.child.pid}/environ`,
      `/proc/${agent.child.pid}/fd/0`,
    ];
    const look = targets.map((path) => `cat ${path} && echo READ`).join('; ');
    for (const [name, userIdentity] of [
      ['pool', undefined],
      ['alone', alone],
    ] as const) {
      await run(`spy-${name}`, `${look}; true`, { ...(userIdentity && { userIdentity }) });
      expect(agent.taskText(`spy-${name}`)).toBe('');
      expect(agent.taskText(`spy-${name}`, 'stderr.txt').match(/Permission denied/g)).toHaveLength(
        targets.length,
      );
    }
    await run('spy-root', look, { userIdentity: admin });
    expect(agent.taskText('spy-root')).toContain('hidden\nREAD');
  });

  test('see the certificates of their kind, and only those', async () => {
    const start = agent.text('startup/stdout.txt').split('\n');
    expect(start.slice(0, 3)).toEqual([String(POOL_USER), `open${POOL_USER}`, 'for-tasks']);
    const look = `cat $AZ_BATCH_CERTIFICATES_DIR/sha1-bb.pfx; cat ${agent.root}/volatile/certificates/starttask/sha1-aa.pfx`;
    await run('certificates', `${look}; touch $AZ_BATCH_CERTIFICATES_DIR/x; true`);
    expect(agent.taskText('certificates')).toBe('key');
    expect(agent.taskText('certificates', 'stderr.txt').match(/Permission denied/g)).toHaveLength(
      2,
    );
  });

  test('share what is for all of the node: shared, and the start task’s directory to read', async () => {
    await run('writer', 'echo shared > $AZ_BATCH_NODE_SHARED_DIR/s', { userIdentity: alone });
    await run(
      'reader',
      'cat $AZ_BATCH_NODE_SHARED_DIR/s $AZ_BATCH_NODE_STARTUP_DIR/wd/for-tasks; echo x > $AZ_BATCH_NODE_STARTUP_DIR/wd/for-tasks || echo kept',
      { userIdentity: alone },
    );
    expect(agent.taskText('reader')).toBe('shared\nof-start\nkept\n');
  });

  test('of a job read what its preparation task made', async () => {
    const directory = 'workitems/Job/job-1/prep';
    await run('prep', 'echo prepared > data', { requiredSlots: 0, directory });
    await run('prepared', 'cat $AZ_BATCH_JOB_PREP_WORKING_DIR/data', {
      userIdentity: alone,
      jobPreparationDirectory: directory,
    });
    expect(agent.taskText('prepared')).toBe('prepared\n');
  });

  test('that are parts of a multi-instance task own its shared directory', async () => {
    const multiInstance = {
      subtaskId: 1,
      coordinationCommandLine: `sh -c 'cat $AZ_BATCH_TASK_SHARED_DIR/common/tool > /dev/null && touch $AZ_BATCH_TASK_SHARED_DIR/made && id -u'`,
      commonResourceFiles: [{ httpUrl: storage.url('/tool'), filePath: 'common/tool' }],
      sharedDirectory: 'workitems/Job/job-1/group',
      hosts: ['10.0.0.1', '10.0.0.2'],
      coresPerHost: 1,
    };
    const directory = 'workitems/Job/job-1/group/1';
    controller.assign(
      assignment('group', 'true', { multiInstance, directory, userIdentity: alone }),
    );
    const coordinated = await waitFor('coordination', () =>
      controller.eventsOf('attemptCoordinated').find(({ taskKey }) => taskKey === 'acct/job/group'),
    );
    expect(coordinated.outcome.exitCode).toBe(0);
    const uid = Number(agent.text(`${directory}/stdout.txt`));
    expect(statSync(at('group')).uid).toBe(uid);
    expect(statSync(at('group', 'made')).uid).toBe(uid);
    controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/group', attempt: 1 }] });
    await controller.ended('acct/job/group');
  });

  test('run programs that were loaded for them, and write to what is theirs by another name', async () => {
    const resourceFiles = [{ httpUrl: storage.url('/tool'), filePath: 'in/tool' }];
    expect(
      await run('loaded', './in/tool && echo again >> /dev/stdout && echo bad >> /dev/stderr', {
        resourceFiles,
        userIdentity: alone,
      }),
    ).toMatchObject({ exitCode: 0 });
    expect(statSync(at('loaded', 'wd/in/tool')).uid).toBe(
      Number(agent.taskText('loaded').split('\n')[0]),
    );
  });

  test('find programs along PATH as they could themselves: what is closed to them is passed over', async () => {
    const closed = join(agent.folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    for (const name of ['id', 'of-root-alone'])
      writeFileSync(join(closed, name), '#!/bin/sh\necho not for you', { mode: 0o755 });
    const environmentSettings = [{ name: 'PATH', value: `${closed}:in:/usr/bin:/bin` }];
    const resourceFiles = [{ httpUrl: storage.url('/tool'), filePath: 'in/tool' }];
    const more = { environmentSettings, resourceFiles };
    await controller.run(assignment('path', 'id -u', more));
    await controller.run(assignment('path-of-wd', 'tool', more));
    for (const name of ['path', 'path-of-wd'])
      expect(Number(agent.taskText(name)), name).toBeGreaterThanOrEqual(FIRST);
    for (const [name, program] of [
      ['path-closed', 'of-root-alone'],
      ['closed', join(closed, 'of-root-alone')],
    ] as const)
      expect(await controller.run(assignment(name, program, more))).toMatchObject({
        preProcessing: true,
        failure: { code: 'CommandLaunchFailed', details: [{ name: 'Error', value: 'EACCES' }] },
      });
    const elevated = { ...more, userIdentity: { username: 'boss' } };
    await controller.run(assignment('path-root', 'id -u', elevated));
    expect(agent.taskText('path-root')).toBe('not for you\n');
  });

  test.each([
    ['missing', '/no/such/program', 'CommandProgramNotFound'],
    ['not-executable', '/etc/hostname', 'CommandLaunchFailed'],
    ['not-theirs', '/root/program', 'CommandProgramNotFound'],
  ])(
    'whose program can’t be started (%s) fail before their process',
    async (name, command, code) => {
      expect(await controller.run(assignment(`refused-${name}`, command))).toMatchObject({
        preProcessing: true,
        failure: { code },
      });
    },
  );

  test.each([0, 3, 126, 127])('that exit with %i by themselves end so', async (code) => {
    const outcome = await run(`exit-${code}`, `echo setpriv: mine >&2; exit ${code}`);
    expect(outcome).toMatchObject({ exitCode: code });
    expect(outcome.failure).toBeUndefined();
  });

  test('that die by a signal, or run out of time, end as any other', async () => {
    expect(await run('signal', 'kill -9 $$')).toMatchObject({ exitCode: -9 });
    expect(await run('limit', 'sleep 60', { maxWallClockTimeMs: 200 })).toMatchObject({
      exitCode: -15,
      failure: { code: 'TaskEnded' },
    });
  });

  test('get nothing by variables that the loader reads while root still starts them', async () => {
    const library = join(agent.folder, 'evil.so');
    writeFileSync(library, 'no library');
    const settings = [
      { name: 'LD_PRELOAD', value: library },
      { name: 'GCONV_PATH', value: '/x' },
      { name: 'LC_ALL', value: '../x' },
      { name: 'PLAIN', value: 'a b' },
    ];
    await run('loader', 'echo $GCONV_PATH $LC_ALL $PLAIN $LD_PRELOAD', {
      environmentSettings: settings,
    });
    expect(agent.taskText('loader')).toBe(`/x ../x a b ${library}\n`);
    // The loader complains once for `env`'s program and each it starts, never for setpriv before it.
    const said = agent.taskText('loader', 'stderr.txt');
    expect(said).not.toContain('setpriv');
  });

  test('upload no file that they could not read themselves', async () => {
    const secret = join(agent.folder, 'secret-of-root');
    writeFileSync(secret, 'of root', { mode: 0o600 });
    const output = (filePattern: string) => [
      {
        filePattern,
        containerUrl: storage.url('/out'),
        path: 'x',
        uploadCondition: 'taskcompletion' as const,
      },
    ];
    controller.assign(
      assignment('hard-link', `sh -c 'while [ ! -e go ]; do sleep 0.05; done'`, {
        outputFiles: output('stolen'),
      }),
    );
    await controller.started('acct/job/hard-link');
    await waitFor('its directory', () => agent.has('workitems/Job/job-1/hard-link/stdout.txt'));
    // A kernel without protected hard links would let the task do this.
    linkSync(secret, at('hard-link', 'wd/stolen'));
    writeFileSync(at('hard-link', 'wd/go'), '');
    expect((await controller.ended('acct/job/hard-link')).outcome).toMatchObject({
      fileUpload: true,
      failure: { code: 'FileUploadMiscError', category: 'usererror' },
    });
    await run('soft-link', `ln -s ${secret} stolen`, { outputFiles: output('stolen') });
    await run('mine', 'echo mine > own', { outputFiles: output('own') });
    expect([...storage.puts.values()].map(({ body }) => String(body))).toEqual(['mine\n']);
  });

  test('can’t have root write or delete through what they leave in their directory', async () => {
    const outside = join(agent.folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'kept'), 'kept');
    await run(
      'leaver',
      `rm -rf ../stdout.txt; ln -s ${outside}/kept ../stdout.txt; ln -s ${outside} link`,
    );
    symlinkSync(outside, join(agent.root, 'shared/link'));
    await run('leaver', 'true', { attempt: 2 });
    controller.send({ type: 'removeDirectories', directories: ['workitems/Job/job-1/leaver'] });
    await waitFor('the directory to go', () => !agent.has('workitems/Job/job-1/leaver'));
    await controller.ask({ type: 'deleteFile', path: 'shared/link', recursive: true });
    expect(readFileSync(join(outside, 'kept'), 'utf8')).toBe('kept');
  });

  test('leave no trace in the system’s own lists of users', () => {
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain('_azbatch');
    expect(() => execFileSync('getent', ['passwd', String(POOL_USER)])).toThrow();
  });

  describe('a start task that runs again', () => {
    test('loads its files with its user’s rights alone', async () => {
      const outside = join(agent.folder, 'outside-2');
      mkdirSync(outside, { mode: 0o755 });
      const wd = join(agent.root, 'startup/wd');
      execFileSync('rm', ['-rf', join(wd, 'tool')]);
      symlinkSync(join(outside, 'taken'), join(wd, 'tool'));
      agent.child.kill('SIGKILL');
      await agent.restart();
      await waitFor(
        'the second start task',
        () => controller.eventsOf('startTaskEnded').length > 1,
      );
      expect(statSync(outside).nlink).toBe(2);
      expect(() => statSync(join(outside, 'taken'))).toThrow();
      expect(statSync(join(wd, 'tool')).uid).toBe(POOL_USER);
    });

    test('goes on with numbers that were never given', async () => {
      await run('later', 'id -u', { userIdentity: alone });
      const before = ['alone', 'alone-2', 'secret'].map((id) => statSync(at(id)).uid);
      expect(Number(agent.taskText('later'))).toBeGreaterThan(Math.max(...before));
    });
  });
});
