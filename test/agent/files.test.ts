import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { FakeStorage } from '../support/fake-storage.js';
import { StartedAgent } from '../support/start-agent.js';

let agent: StartedAgent;
let controller: FakeController;
let storage: FakeStorage;

beforeAll(async () => {
  storage = await FakeStorage.start();
  agent = await StartedAgent.start();
  controller = agent.controller;
  await controller.prepared();
});
afterAll(async () => {
  await agent.stop();
  await storage.close();
});

const path = (taskId: string, file: string) =>
  join(agent.root, 'workitems/Job/job-1', taskId, file);

describe('resource files', () => {
  test('are below wd before the process starts, with their modes', async () => {
    storage.files.set('/a.txt', 'alpha');
    storage.files.set('/tool', '#!/bin/sh\ncat in/a.txt');
    const resourceFiles = [
      { httpUrl: storage.url('/a.txt?sig=secret'), filePath: 'in/a.txt', fileMode: '0640' },
      { httpUrl: storage.url('/tool'), filePath: 'tool' },
    ];
    expect(
      await controller.run(assignment('resources', './tool', { resourceFiles })),
    ).toMatchObject({ exitCode: 0 });
    expect(agent.taskText('resources')).toBe('alpha');
    expect(statSync(path('resources', 'wd/in/a.txt')).mode & 0o777).toBe(0o640);
    expect(statSync(path('resources', 'wd/tool')).mode & 0o777).toBe(0o770);
  });

  test('come from a container, page by page, below their folder', async () => {
    const page = (names: string[], marker: string) =>
      `<?xml version="1.0"?><EnumerationResults><Blobs>${names.map((name) => `<Blob><Name>${name}</Name></Blob>`).join('')}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;
    storage.files.set('/box', (request, response) => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      expect(query.get('prefix')).toBe('data/');
      expect(query.get('sig')).toBe('s');
      response.end(
        query.get('marker') === 'm2'
          ? page(['data/b &amp; c.txt'], '')
          : page(['data/a.txt'], 'm2'),
      );
    });
    storage.files.set('/box/data/a.txt', 'one');
    storage.files.set('/box/data/b & c.txt', 'two');
    const resourceFiles = [
      { storageContainerUrl: storage.url('/box?sig=s'), blobPrefix: 'data/', filePath: 'to' },
    ];
    await controller.run(assignment('container', 'true', { resourceFiles }));
    expect(readFileSync(path('container', 'wd/to/data/a.txt'), 'utf8')).toBe('one');
    expect(readFileSync(path('container', 'wd/to/data/b & c.txt'), 'utf8')).toBe('two');
  });

  test('are tried again when the server is busy', async () => {
    let tries = 0;
    storage.files.set('/busy', (_request, response) => {
      tries += 1;
      if (tries < 3) response.writeHead(503).end();
      else response.end('at last');
    });
    const resourceFiles = [{ httpUrl: storage.url('/busy'), filePath: 'busy' }];
    expect(await controller.run(assignment('busy', 'cat busy', { resourceFiles }))).toMatchObject({
      exitCode: 0,
    });
    expect(agent.taskText('busy')).toBe('at last');
  });

  test('that redirect are followed, but not for ever', async () => {
    storage.files.set('/moved', (_request, response) =>
      response.writeHead(302, { location: '/a.txt' }).end(),
    );
    storage.files.set('/loop', (_request, response) =>
      response.writeHead(302, { location: '/loop' }).end(),
    );
    const file = (name: string) => [{ httpUrl: storage.url(name), filePath: 'file' }];
    expect(
      await controller.run(assignment('moved', 'cat file', { resourceFiles: file('/moved') })),
    ).toMatchObject({ exitCode: 0 });
    expect(
      await controller.run(assignment('loop', 'cat file', { resourceFiles: file('/loop') })),
    ).toMatchObject({
      failure: { code: 'BlobDownloadMiscError' },
    });
  });

  test.each([
    ['missing', 404, 'BlobNotFound', 'ResourceContainerNotFound'],
    ['forbidden', 403, 'BlobAccessDenied', 'ResourceContainerAccessDenied'],
  ])(
    'that are %s fail the task before its process',
    async (name, status, blobCode, containerCode) => {
      storage.files.set(`/${name}`, (_request, response) => response.writeHead(status).end());
      const blob = [{ httpUrl: storage.url(`/${name}?sig=secret`), filePath: 'x' }];
      const outcome = await controller.run(assignment(name, 'true', { resourceFiles: blob }));
      expect(outcome).toMatchObject({
        preProcessing: true,
        failure: { code: blobCode, category: 'usererror' },
      });
      expect(outcome.failure?.details).toEqual([
        { name: 'FilePath', value: 'x' },
        { name: 'HttpUrl', value: storage.url(`/${name}`) },
      ]);
      expect(outcome.failure?.message).not.toContain('secret');
      const container = [{ storageContainerUrl: storage.url(`/${name}`) }];
      const details = [{ name: 'ContainerUrl', value: storage.url(`/${name}`) }];
      expect(
        await controller.run(assignment(`${name}-container`, 'true', { resourceFiles: container })),
      ).toMatchObject({
        preProcessing: true,
        failure: { code: containerCode, category: 'usererror', details },
      });
    },
  );

  test.each(['../up', '/tmp/absolute', 'a/../../b', ''])(
    'never leave wd: %j is refused',
    async (filePath) => {
      const resourceFiles = [{ httpUrl: storage.url('/a.txt'), filePath }];
      const name = `escape-${Buffer.from(filePath).toString('hex')}`;
      expect(await controller.run(assignment(name, 'true', { resourceFiles }))).toMatchObject({
        preProcessing: true,
        failure: { code: 'ResourceFileCreateFailed' },
      });
    },
  );

  test('a task stopped while it downloads ends without a process', async () => {
    storage.files.set('/slow', (_request, response) => void response.writeHead(200).write('some'));
    const resourceFiles = [{ httpUrl: storage.url('/slow'), filePath: 'slow' }];
    controller.assign(assignment('slow', 'true', { resourceFiles }));
    await controller.started('acct/job/slow');
    controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/slow', attempt: 1 }] });
    const { outcome } = await controller.ended('acct/job/slow');
    expect(outcome).toMatchObject({ stopped: true });
    expect(outcome.exitCode).toBeUndefined();
    expect(outcome.preProcessing).toBeUndefined();
  });
});

describe('output files', () => {
  const output = (
    filePattern: string,
    more: {
      path?: string;
      uploadCondition?: 'tasksuccess' | 'taskfailure' | 'taskcompletion';
    } = {},
    container = '/out',
  ) => ({
    filePattern,
    containerUrl: storage.url(`${container}?sig=s`),
    uploadCondition: more.uploadCondition ?? ('taskcompletion' as const),
    ...(more.path === undefined ? {} : { path: more.path }),
  });
  const uploaded = (prefix: string) =>
    [...storage.puts.keys()].filter((name) => name.startsWith(prefix)).sort();

  test('are put where path says: a name without wildcards, a folder with them', async () => {
    const outputFiles = [
      output('result.json', { path: 'runs/1/r.json' }, '/o1'),
      output('**/*.txt', { path: 'texts' }, '/o1'),
      output('../std*.txt', { path: 'logs/' }, '/o1'),
      output('$AZ_BATCH_TASK_WORKING_DIR/sub/[ab].txt', {}, '/o1'),
    ];
    const commandLine = `sh -c "echo {} > result.json; mkdir -p sub/deep; echo a > sub/a.txt; echo d > sub/deep/d.txt; touch .hidden.txt empty.txt; echo out"`;
    expect(await controller.run(assignment('outputs', commandLine, { outputFiles }))).toMatchObject(
      { exitCode: 0 },
    );
    expect(uploaded('/o1/')).toEqual([
      '/o1/a.txt',
      '/o1/logs/stderr.txt',
      '/o1/logs/stdout.txt',
      '/o1/runs/1/r.json',
      '/o1/texts/empty.txt',
      '/o1/texts/sub/a.txt',
      '/o1/texts/sub/deep/d.txt',
    ]);
    expect(storage.puts.get('/o1/logs/stdout.txt')).toMatchObject({
      body: Buffer.from('out\n'),
      query: '?sig=s',
      headers: { 'x-ms-blob-type': 'BlockBlob', 'content-length': '4' },
    });
  });

  test.each([
    [0, ['/c0/always', '/c0/success']],
    [1, ['/c1/always', '/c1/failure']],
  ])('fit their condition at exit code %i', async (code, expected) => {
    const outputFiles = [
      output('../stdout.txt', { path: 'success', uploadCondition: 'tasksuccess' }, `/c${code}`),
      output('../stdout.txt', { path: 'failure', uploadCondition: 'taskfailure' }, `/c${code}`),
      output('../stdout.txt', { path: 'always' }, `/c${code}`),
    ];
    await controller.run(assignment(`condition-${code}`, `sh -c "exit ${code}"`, { outputFiles }));
    expect(uploaded(`/c${code}/`)).toEqual(expected);
  });

  test('of a task that ran out of its time are still put, unless it is stopped as well', async () => {
    const outputFiles = (to: string) => [
      output('../stdout.txt', { path: 'failure', uploadCondition: 'taskfailure' }, to),
      output('../stdout.txt', { path: 'success', uploadCondition: 'tasksuccess' }, to),
    ];
    const commandLine = `sh -c "echo so far; trap 'exit 0' TERM; sleep 60 & wait"`;
    const maxWallClockTimeMs = 300;
    const late = { outputFiles: outputFiles('/late'), maxWallClockTimeMs };
    expect(await controller.run(assignment('late', commandLine, late))).toMatchObject({
      failure: { code: 'TaskEnded' },
    });
    expect(uploaded('/late/')).toEqual(['/late/failure']);
    controller.assign(assignment('stopped', commandLine, { outputFiles: outputFiles('/stopped') }));
    await controller.started('acct/job/stopped');
    controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/stopped', attempt: 1 }] });
    expect((await controller.ended('acct/job/stopped')).outcome.stopped).toBe(true);
    expect(uploaded('/stopped/')).toEqual([]);
  });

  test.each([
    [403, 'FileUploadAccessDenied'],
    [404, 'FileUploadContainerNotFound'],
    [409, 'FileUploadConflict'],
  ])('refused with %i fail the task and keep its exit code', async (status, code) => {
    storage.putStatus.set(`/refuse-${status}`, status);
    const outputFiles = [output('../stdout.txt', {}, `/refuse-${status}`)];
    const outcome = await controller.run(assignment(`refuse-${status}`, 'true', { outputFiles }));
    const failure = { code, details: [{ name: 'FilePath', value: 'stdout.txt' }, { name: 'Url' }] };
    expect(outcome).toMatchObject({ exitCode: 0, fileUpload: true, failure });
  });

  test('never come from outside the task, by pattern or link', async () => {
    writeFileSync(join(agent.folder, 'private'), 'private');
    const outputFiles = [output('../../../../../volatile/agent/*', {}, '/leak')];
    expect(await controller.run(assignment('leak', 'true', { outputFiles }))).toMatchObject({
      fileUpload: true,
      failure: { code: 'FileUploadMiscError' },
    });
    const linked = assignment('leak-link', `ln -s ${agent.folder}/private linked`, {
      outputFiles: [output('linked', {}, '/leak'), output('*', {}, '/leak')],
    });
    await controller.run(linked);
    expect(uploaded('/leak')).toEqual([]);
  });
});

describe('files of the node', () => {
  test('are listed in order, in pages, with their properties', async () => {
    await controller.run(
      assignment('list', `sh -c "mkdir -p sub; echo 12345 > sub/five; echo x > b.txt"`),
    );
    const ask = (more: object) =>
      controller.ask({
        type: 'listFiles',
        path: 'workitems/Job/job-1/list',
        recursive: true,
        limit: 100,
        ...more,
      });
    const { response } = await ask({});
    expect(response).toMatchObject({ type: 'files', more: false });
    if (response.type !== 'files') return;
    expect(response.files.map(({ name }) => name)).toEqual([
      'stderr.txt',
      'stdout.txt',
      'wd',
      'wd/b.txt',
      'wd/sub',
      'wd/sub/five',
    ]);
    expect(response.files.at(-1)).toMatchObject({
      contentLength: 6,
      isDirectory: false,
      contentType: 'application/octet-stream',
    });
    expect(response.files[1]).toMatchObject({
      contentType: 'text/plain',
      fileMode: expect.stringMatching(/^0o100/) as unknown,
    });
    expect(await ask({ limit: 1, after: 'wd', startsWith: 'wd/' })).toMatchObject({
      response: { files: [{ name: 'wd/b.txt' }], more: true },
    });
  });

  test('show the node’s directories, and nothing of the agent’s own', async () => {
    const { response } = await controller.ask({
      type: 'listFiles',
      path: '',
      recursive: true,
      limit: 1000,
    });
    const names = response.type === 'files' ? response.files.map(({ name }) => name) : [];
    expect(names).toEqual(
      expect.arrayContaining([
        'startup',
        'shared',
        'workitems',
        'fsmounts',
        'applications',
        'volatile',
      ]),
    );
    expect(names.filter((name) => name.startsWith('volatile/'))).toEqual([]);
  });

  test('are read whole or in part', async () => {
    await controller.run(assignment('read', 'echo 0123456789'));
    const file = 'workitems/Job/job-1/read/stdout.txt';
    expect((await controller.read(file)).body?.toString()).toBe('0123456789\n');
    expect((await controller.read(file, { start: 2, end: 4 })).body?.toString()).toBe('234');
    expect((await controller.read(file, { start: 8 })).body?.toString()).toBe('89\n');
    expect((await controller.read(file, { start: 99 })).response).toMatchObject({
      code: 'InvalidRange',
    });
    expect((await controller.read('workitems/Job/job-1/read/stderr.txt')).body).toHaveLength(0);
    expect((await controller.read('workitems/none')).response).toMatchObject({
      code: 'FileNotFound',
    });
  });

  test.each([
    '../seed.json',
    '/etc/passwd',
    'workitems/../../x',
    'volatile/agent/state.json',
    './volatile//agent/state.json',
    'workitems/Job/job-1/links/wd/out',
    'workitems/Job/job-1/links/wd/dir/passwd',
    'workitems/Job/job-1/links/wd/own/state.json',
    'workitems/Job/job-1/links/wd/pipe',
  ])('never lead elsewhere: %s is refused', async (file) => {
    if (!agent.has('workitems/Job/job-1/links/wd/pipe')) {
      await controller.run(
        assignment(
          'links',
          `sh -c "ln -s /etc/passwd out; ln -s /etc dir; ln -s ${agent.root}/volatile/agent own; mkfifo pipe"`,
        ),
      );
    }
    expect((await controller.read(file)).response).toMatchObject({
      type: 'failed',
      code: 'InvalidPath',
    });
  });

  test('are found through a link that stays on the node', async () => {
    await controller.run(assignment('inside', 'true'));
    writeFileSync(path('inside', 'wd/real.txt'), 'real');
    symlinkSync('real.txt', path('inside', 'wd/link.txt'));
    expect((await controller.read('workitems/Job/job-1/inside/wd/link.txt')).body?.toString()).toBe(
      'real',
    );
  });

  test('are deleted, directories only empty or recursively', async () => {
    await controller.run(assignment('delete', `sh -c "mkdir d; touch d/f; ln -s /etc/passwd l"`));
    const remove = async (file: string, recursive = false) =>
      (
        await controller.ask({
          type: 'deleteFile',
          path: `workitems/Job/job-1/delete/${file}`,
          recursive,
        })
      ).response;
    expect(await remove('wd/d')).toMatchObject({ code: 'DirectoryNotEmpty' });
    expect(await remove('wd/d', true)).toEqual({ type: 'deleted' });
    expect(await remove('wd/l')).toEqual({ type: 'deleted' });
    expect(statSync('/etc/passwd').isFile()).toBe(true);
    expect(await remove('wd/l')).toMatchObject({ code: 'FileNotFound' });
  });
});
