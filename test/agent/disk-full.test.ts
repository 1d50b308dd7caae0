import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { FakeStorage } from '../support/fake-storage.js';
import { requirement, suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';

const DISK_BYTES = 48 * 2 ** 20;
/** The node's root is a small disk in a mount namespace of the agent alone; it goes with the agent. */
const WORLD = `for last; do :; done; root=$(dirname "$last")/root
mkdir "$root" && mount -t tmpfs -o size=${DISK_BYTES} none "$root" && exec "$@"`;

const mounts = await requirement(
  'a mount namespace',
  () => spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0,
  'run the tests as root, with util-linux and mount',
);

suite('a node whose disk is small', [mounts], () => {
  let agent: StartedAgent;
  let controller: FakeController;
  let storage: FakeStorage;
  beforeAll(async () => {
    storage = await FakeStorage.start();
    agent = await StartedAgent.start({
      before: ['unshare', '--mount', '--', 'sh', '-c', WORLD, 'sh'],
      environment: { BATCHYARD_TRANSFERS: 'retryMs=10' },
    });
    controller = agent.controller;
    await controller.prepared();
  });
  afterAll(async () => {
    await agent.stop();
    await storage.close();
  });

  /** As the agent sees it. */
  const inside = (path: string) => `/proc/${String(agent.child.pid)}/root${agent.root}/${path}`;
  const directory = (taskId: string) => inside(`workitems/Job/job-1/${taskId}`);
  const used = () => {
    const { blocks, bfree, bsize } = statfsSync(inside(''));
    return (blocks - bfree) * bsize;
  };
  /** The node takes the next task and has the room that the one before had taken. */
  const isHealthy = async (after: string) => {
    expect(
      await controller.run(assignment(`after-${after}`, 'sh -c "echo ok > file"')),
    ).toMatchObject({
      exitCode: 0,
    });
    expect(used()).toBeLessThan(DISK_BYTES / 10);
  };

  it('refuses a resource file that is longer than what is left, before a byte of it is written', async () => {
    let sent = 0;
    storage.files.set('/huge', (_request, response) => {
      sent += 1;
      response.writeHead(200, { 'content-length': DISK_BYTES + 1 }).flushHeaders();
    });
    const resourceFiles = [{ httpUrl: storage.url('/huge'), filePath: 'huge' }];
    const outcome = await controller.run(assignment('huge', 'true', { resourceFiles }));
    expect(outcome).toMatchObject({
      preProcessing: true,
      failure: { code: 'DiskFull', category: 'servererror' },
    });
    expect(outcome.failure?.message).toContain(String(DISK_BYTES + 1));
    expect(sent).toBe(1);
    expect(readdirSync(`${directory('huge')}/wd`)).toEqual([]);
    await isHealthy('huge');
  });

  it('ends a task whose resource file has no end', async () => {
    const chunk = Buffer.alloc(2 ** 20);
    storage.files.set('/endless', (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    const resourceFiles = [{ httpUrl: storage.url('/endless'), filePath: 'endless' }];
    expect(await controller.run(assignment('endless', 'true', { resourceFiles }))).toMatchObject({
      preProcessing: true,
      failure: { code: 'DiskFull', category: 'servererror' },
    });
    await isHealthy('endless');
  });

  it.each([
    ['output', 'cat /dev/urandom'],
    ['errors', `sh -c 'cat /dev/zero >&2'`],
    ['files', `sh -c 'mkdir d; cat /dev/zero > d/file'`],
    ['patience', `sh -c 'cat /dev/zero > file; sleep 60'`],
  ])(
    'ends a task that writes %s without end, and removes what it wrote',
    async (id, commandLine) => {
      const outcome = await controller.run(assignment(id, commandLine));
      expect(outcome).toMatchObject({ failure: { code: 'DiskFull', category: 'servererror' } });
      expect(outcome.exitCode).not.toBe(0);
      expect(outcome.preProcessing).toBeUndefined();
      expect(existsSync(directory(id))).toBe(false);
      await isHealthy(id);
    },
  );

  it('leaves alone whoever runs beside it, and whoever fails for reasons of its own', async () => {
    const waits = `sh -c 'until [ -e go ]; do sleep 0.05; done'`;
    const beside = controller.run(assignment('beside', waits));
    await controller.started('acct/job/beside');
    expect(await controller.run(assignment('greedy', 'cat /dev/zero'))).toMatchObject({
      failure: { code: 'DiskFull' },
    });
    writeFileSync(`${directory('beside')}/wd/go`, '');
    expect(await beside).toMatchObject({ exitCode: 0 });
    const failed = await controller.run(assignment('failed', 'false'));
    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.failure).toBeUndefined();
  });
});
