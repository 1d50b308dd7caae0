import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { assignment } from '../support/fake-controller.js';
import { FakeStorage } from '../support/fake-storage.js';
import { StartedAgent } from '../support/start-agent.js';
import { waitFor } from '../support/wait-for.js';
import { makeZip, type ZipEntry } from '../support/zip.js';

let storage: FakeStorage;
let agent: StartedAgent | undefined;
beforeAll(async () => {
  storage = await FakeStorage.start();
});
afterAll(() => storage.close());
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

/** Puts an archive into the storage; answers with the package as the controller assigns it. */
function packageOf(applicationId: string, version: string, zip: Buffer, isDefault = false) {
  const path = `/${applicationId}/${version}.zip`;
  storage.files.set(path, zip);
  const md5 = createHash('md5').update(zip).digest('base64');
  return { applicationId, version, url: storage.url(`${path}?sig=secret`), md5, isDefault };
}
const downloads = (path: string) =>
  storage.requests.filter((request) => request.includes(path)).length;
const startTask = {
  commandLine: `sh -c '$AZ_BATCH_APP_PACKAGE_Tool/bin/hello'`,
  environmentSettings: [],
  resourceFiles: [],
  maxTaskRetryCount: 0,
  waitForSuccess: true,
};
const hello = { name: 'bin/hello', content: '#!/bin/sh\necho hello from $0', mode: 0o100755 };

describe('application packages of a pool', () => {
  test('are unpacked before the start task, with their modes, folders and variables', async () => {
    const zip = makeZip([
      { name: 'bin/', mode: 0o040755 },
      hello,
      { name: 'data/ü/leer.txt', content: 'x'.repeat(100_000), mode: 0o100640 },
      { name: 'run.bat', content: 'made elsewhere', mode: 0 },
    ]);
    const applicationPackages = [packageOf('Tool', '2.7-beta', zip, true)];
    agent = await StartedAgent.start({ configuration: { applicationPackages, startTask } });
    const { controller } = agent;
    await waitFor('the start task to end', () => controller.eventsOf('startTaskEnded').length > 0);
    const directory = join(agent.root, 'applications/Tool/2.7-beta');
    expect(agent.text('startup/stdout.txt')).toBe(`hello from ${directory}/bin/hello\n`);
    expect(readFileSync(join(directory, 'data/ü/leer.txt'), 'utf8')).toHaveLength(100_000);
    expect(statSync(join(directory, 'data/ü/leer.txt')).mode & 0o777).toBe(0o640);
    expect(statSync(join(directory, 'run.bat')).mode & 0o777).toBe(0o755);
    await controller.run(assignment('names', `sh -c 'env | grep APP_PACKAGE | sort'`));
    expect(agent.taskText('names').trim().split('\n')).toEqual(
      ['TOOL', 'Tool_2_7_beta', 'tool', 'tool_2_7_beta']
        .map((name) => `AZ_BATCH_APP_PACKAGE_${name === 'TOOL' ? 'Tool' : name}=${directory}`)
        .sort(),
    );
  });

  test('that can’t be had make the node unusable and say which', async () => {
    const problem = 'The application Tool has no version 9';
    const applicationPackages = [{ applicationId: 'Tool', version: '9', problem }];
    agent = await StartedAgent.start({ configuration: { applicationPackages, startTask } });
    const { controller } = agent;
    const [unusable] = await waitFor('the node to be unusable', () => {
      const events = controller.eventsOf('nodeUnusable');
      return events.length > 0 && events;
    });
    expect(unusable).toMatchObject({
      code: 'ApplicationPackageError',
      details: [
        { name: 'ApplicationPackageReference', value: 'Tool 9' },
        { name: 'Message', value: problem },
      ],
    });
    expect(controller.eventsOf('nodePrepared')).toHaveLength(0);
    expect(controller.eventsOf('startTaskStarted')).toHaveLength(0);
  });

  test('stay over a restart of the agent, and give way to another file of the same version', async () => {
    const first = packageOf('Kept', '1', makeZip([{ name: 'a.txt', content: 'first' }]));
    agent = await StartedAgent.start({ configuration: { applicationPackages: [first] } });
    const { controller } = agent;
    await controller.prepared();
    const prepared = (count: number) =>
      waitFor(
        'the next agent to be prepared',
        () =>
          controller.received.filter(({ event }) => event.type === 'nodePrepared').length >= count,
      );
    agent.child.kill('SIGTERM');
    await agent.restart();
    await prepared(2);
    expect(downloads('/Kept/1.zip')).toBe(1);
    const second = packageOf('Kept', '1', makeZip([{ name: 'b.txt', content: 'second' }]));
    controller.options.configuration = { applicationPackages: [second] };
    agent.child.kill('SIGTERM');
    await agent.restart();
    await prepared(3);
    expect(readdirSync(join(agent.root, 'applications/Kept/1'))).toEqual(['b.txt']);
    expect(readdirSync(join(agent.root, 'volatile/agent/packages/staging'))).toEqual([]);
  });
});

describe('application packages of tasks', () => {
  let node: StartedAgent;
  let controller: StartedAgent['controller'];
  beforeAll(async () => {
    node = await StartedAgent.start();
    controller = node.controller;
    await controller.prepared();
  });
  afterAll(() => node.stop());

  test('are loaded once for all that name them, and only those see them', async () => {
    const shared = packageOf('Shared', '1.0', makeZip([hello]), true);
    const commandLine = `sh -c '$AZ_BATCH_APP_PACKAGE_shared_1_0/bin/hello'`;
    const ends = await Promise.all(
      ['s1', 's2', 's3', 's4'].map((id) =>
        controller.run(assignment(id, commandLine, { applicationPackages: [shared] })),
      ),
    );
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    expect(downloads('/Shared/1.0.zip')).toBe(1);
    await controller.run(assignment('without', `sh -c 'env | grep -c APP_PACKAGE'`));
    expect(node.taskText('without')).toBe('0\n');
  });

  test('that can’t be had fail the task before its process, and the next try may succeed', async () => {
    const later = packageOf('Later', '1', makeZip([hello]));
    storage.files.delete('/Later/1.zip');
    const run = (attempt: number) =>
      controller.run(assignment('later', 'true', { attempt, applicationPackages: [later] }));
    expect(await run(1)).toMatchObject({
      preProcessing: true,
      failure: { code: 'ApplicationPackageError', category: 'usererror' },
    });
    packageOf('Later', '1', makeZip([hello]));
    expect(await run(2)).toMatchObject({ exitCode: 0 });
    const changed = { ...packageOf('Changed', '1', makeZip([hello])), md5: 'another' };
    const end = await controller.run(
      assignment('changed', 'true', { applicationPackages: [changed] }),
    );
    expect(end.failure?.message).toContain('not the one that was activated');
    expect(JSON.stringify(end)).not.toContain('secret');
  });

  const bad: [string, ZipEntry[] | Buffer, string][] = [
    ['climbs out', [hello, { name: '../../../escaped', content: 'x' }], '..'],
    ['is absolute', [{ name: '/tmp/batchyard-escaped', content: 'x' }], 'absolute'],
    ['climbs with backslashes', [{ name: '..\\escaped', content: 'x' }], '..'],
    ['holds a link', [{ name: 'link', content: '/etc', mode: 0o120777 }], 'symbolic link'],
    ['holds a device', [{ name: 'tty', mode: 0o020666 }], 'no regular file'],
    ['names a file twice', [hello, hello], 'twice'],
    ['has a file as a folder', [{ name: 'a', content: 'x' }, { name: 'a/b' }], 'both'],
    [
      'lies about sizes',
      [{ name: 'a', content: 'x'.repeat(50), claimedSize: 10 }],
      'too many bytes',
    ],
    ['is huge', [{ name: 'a', content: '', claimedSize: 0xfffffff0 }], 'times its size'],
    ['is no zip file', Buffer.from('hello world, this is plain text'), 'end of central directory'],
  ];
  let bads = 0;
  test.each(bad)(
    'in an archive that %s are refused, nothing of it is kept, and the next task runs',
    async (_, what, why) => {
      const name = `Bad${(bads += 1)}`;
      const zip = Buffer.isBuffer(what) ? what : makeZip(what);
      const applicationPackages = [packageOf(name, '1', zip)];
      const end = await controller.run(assignment(name, 'true', { applicationPackages }));
      expect(end.failure).toMatchObject({ code: 'ApplicationPackageError' });
      expect(end.failure?.message.toLowerCase()).toContain(why);
      expect(readdirSync(join(node.root, 'applications'))).not.toContain(name);
      expect(readdirSync(join(node.root, 'volatile/agent/packages/staging'))).toEqual([]);
      expect(node.has('escaped') || node.has('../escaped')).toBe(false);
      expect(await controller.run(assignment(`after-${name}`, 'true'))).toMatchObject({
        exitCode: 0,
      });
    },
  );
});
