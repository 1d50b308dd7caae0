import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Assignment } from '../../protocol/agent/assignment.js';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { ImageRegistry } from '../support/image-registry.js';
import { suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';
import { dockerRequirement, StartedDockerd } from '../support/started-dockerd.js';
import { podmanRequirement, StartedPodman } from '../support/started-podman.js';
import { tinyRoot } from '../support/tiny-root.js';
import { waitFor } from '../support/wait-for.js';

const FIRST = 0x7fd0_0000;
const LOGIN = { username: 'puller', password: 'secret-of-the-registry' };
/** An image whose own command line runs a shell with what is asked of it, or with a greeting. */
const IMAGES = {
  tiny: {},
  plain: {},
  short: {},
  greets: { Entrypoint: ['/bin/sh', '-c'], Cmd: ['echo by its own'] },
};
const ENGINES = [
  {
    name: 'Docker',
    type: 'dockerCompatible',
    requirement: await dockerRequirement(),
    start: async () => ({ engine: await StartedDockerd.start(), trust: () => undefined }),
    broken: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
  },
  {
    name: 'Podman',
    type: 'criCompatible',
    requirement: await podmanRequirement(),
    start: () => {
      const engine = StartedPodman.start();
      return Promise.resolve({ engine, trust: (host: string) => engine.trust(host) });
    },
    broken: { CONTAINERS_CONF: '/nowhere/containers.conf' },
  },
] as const;

for (const { name, type, requirement, start: startEngine, broken } of ENGINES)
  suite(`tasks in containers of ${name}`, [requirement], () => {
    let engine: StartedDockerd | StartedPodman;
    let registry: ImageRegistry;
    let agent: StartedAgent;
    let controller: FakeController;
    const tiny = () => `${registry.host}/tiny:1`;
    const start = (images: string[], more: Parameters<typeof StartedAgent.start>[0] = {}) =>
      StartedAgent.start({
        ...more,
        environment: { ...engine.environment, ...more.environment },
        seed: { taskUsers: { kind: 'numbers', first: FIRST, count: 2_048 } },
        configuration: {
          containers: { type, images, registries: [{ registryServer: registry.host, ...LOGIN }] },
          ...more.configuration,
        },
      });
    /** The engine's program behind a script of its name that does something else first. */
    const wrapped = (first: string): string => {
      const real = execFileSync('which', [engine.program], { encoding: 'utf8' }).trim();
      const program = join(engine.folder.path, 'wrapped', basename(real));
      mkdirSync(dirname(program), { recursive: true });
      writeFileSync(program, `#!/bin/sh\n${first}\nexec ${real} "$@"\n`, { mode: 0o755 });
      return program;
    };
    const inTiny = (
      taskId: string,
      commandLine: string,
      more: Partial<Assignment> = {},
      settings: Partial<NonNullable<Assignment['container']>> = {},
    ) =>
      assignment(taskId, commandLine, {
        container: { imageName: tiny(), containerRunOptions: '--network none', ...settings },
        ...more,
      });
    const run = (...of: Parameters<typeof inTiny>) => controller.run(inTiny(...of));
    const sh = (script: string) => `/bin/sh -c '${script}'`;
    const containersOf = (root: string) =>
      engine
        .call('ps', '--all', '--quiet', '--filter', `label=batchyard.node=${root}`)
        .split('\n')
        .filter((id) => id !== '');
    /** Processes whose first environment holds this, and which are not the engine's program. */
    const living = (mark: string) =>
      readdirSync('/proc').filter((pid) => {
        try {
          const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
          return environment.includes(mark) && environment.includes('OF_IMAGE=yes');
        } catch {
          return false;
        }
      });

    beforeAll(async () => {
      const started = await startEngine();
      engine = started.engine;
      registry = await ImageRegistry.start(tinyRoot(engine.folder.path), LOGIN, IMAGES);
      started.trust(registry.host);
      agent = await start([tiny()]);
      controller = agent.controller;
      await waitFor('the node', () => controller.events.length > 0);
      expect(controller.eventsOf('nodeUnusable')).toEqual([]);
    });
    afterAll(async () => {
      await agent.stop();
      await registry.close();
      await engine.stop();
    });

    test('find the images of their pool pulled before the node is ready, and no login kept', () => {
      expect(registry.pulls).toBeGreaterThan(0);
      expect(engine.call('image', 'ls', '--quiet', tiny())).not.toBe('');
      const kept = readdirSync(join(agent.root, 'volatile/agent'), { recursive: true });
      const encoded = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
      for (const name of kept) {
        const file = join(agent.root, 'volatile/agent', String(name));
        if (!statSync(file).isFile()) continue;
        const text = readFileSync(file, 'latin1');
        expect(text.includes(LOGIN.password) || text.includes(encoded), file).toBe(false);
      }
    });

    test('have their directories, variables and user, and the image’s search path', async () => {
      const script =
        'pwd; id -u; id -G; echo $PATH; echo $OF_IMAGE; echo "$MINE"; echo made > file; ls $AZ_BATCH_NODE_ROOT_DIR/shared; cat $AZ_BATCH_TASK_DIR/stdout.txt >/dev/null && echo err >&2';
      const environmentSettings = [{ name: 'MINE', value: 'one\ntwo = $x' }];
      const outcome = await run('inside', sh(script), { environmentSettings });
      expect(outcome, agent.taskText('inside', 'stderr.txt')).toMatchObject({
        exitCode: 0,
        containerInfo: { containerId: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      });
      expect(agent.taskText('inside')).toBe(
        `${join(agent.root, 'workitems/Job/job-1/inside/wd')}\n${FIRST + 4}\n${FIRST + 4} ${FIRST} ${FIRST + 2}\n/bin\nyes\none\ntwo = $x\n`,
      );
      expect(agent.taskText('inside', 'stderr.txt')).toBe('err\n');
      expect(agent.taskText('inside', 'wd/file')).toBe('made\n');
      expect(statSync(join(agent.root, 'workitems/Job/job-1/inside/wd/file')).uid).toBe(FIRST + 4);
    });

    test('are root in their container if elevated, and in its own folder if they ask', async () => {
      const userIdentity = { autoUser: { scope: 'pool', elevationLevel: 'admin' } } as const;
      const settings = { workingDirectory: 'containerImageDefault' } as const;
      expect(await run('elevated', sh('id -u; pwd'), { userIdentity }, settings)).toMatchObject({
        exitCode: 0,
      });
      expect(agent.taskText('elevated')).toBe('0\n/image-home\n');
    });

    test('end with the exit code of their program, and get the run options they ask for', async () => {
      const containerRunOptions = '--network none --env "OPTION=of two words" --hostname "box"';
      const script = sh('echo $OPTION; echo $(cat /etc/hostname); exit 125');
      expect(await run('options', script, {}, { containerRunOptions })).toMatchObject({
        exitCode: 125,
      });
      expect(agent.taskText('options')).toBe('of two words\nbox\n');
    });

    test('keep their variables out of process lists', async () => {
      const environmentSettings = [{ name: 'HIDDEN', value: 'do-not-show-this' }];
      controller.assign(inTiny('hides', sh('echo up; sleep 60'), { environmentSettings }));
      await waitFor(
        'its output',
        () =>
          agent.has('workitems/Job/job-1/hides/stdout.txt') && agent.taskText('hides') === 'up\n',
      );
      const lines = readdirSync('/proc').map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        } catch {
          return '';
        }
      });
      expect(lines.filter((line) => line.includes('do-not-show-this'))).toEqual([]);
      controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/hides', attempt: 1 }] });
      await controller.ended('acct/job/hides');
    });

    test('fail with the contract’s codes, and the node takes the next', async () => {
      const failing = async (
        taskId: string,
        commandLine: string,
        settings: Partial<NonNullable<Assignment['container']>>,
      ) => {
        const outcome = await run(taskId, commandLine, {}, settings);
        expect(outcome).toMatchObject({ preProcessing: true });
        expect(outcome.exitCode).toBeUndefined();
        return `${outcome.failure?.category ?? ''} ${outcome.failure?.code ?? ''}`;
      };
      const missing = { imageName: `${registry.host}/missing:1` };
      expect(await failing('image', sh('true'), missing)).toBe('usererror ContainerInvalidImage');
      expect(await failing('name', sh('true'), { imageName: 'No Image' })).toBe(
        'usererror ContainerInvalidImage',
      );
      const wrong = { registryServer: registry.host, username: 'puller', password: 'wrong' };
      expect(await failing('login', sh('true'), { ...missing, registry: wrong })).toBe(
        'usererror ContainerInvalidRegistry',
      );
      expect(await failing('option', sh('true'), { containerRunOptions: '--nonsense' })).toBe(
        'usererror ContainerInvalidSettings',
      );
      expect(await failing('quote', sh('true'), { containerRunOptions: '"' })).toBe(
        'usererror CommandLaunchFailed',
      );
      expect(await failing('program', '/bin/nothing', {})).toBe('usererror CommandProgramNotFound');
      expect(containersOf(agent.root)).toEqual([]);
      expect(await run('next', sh('exit 3'))).toMatchObject({ exitCode: 3 });
    });

    test('leave to their image what runs where their command line is empty', async () => {
      const settings = { imageName: `${registry.host}/greets:1` };
      expect(await run('silent', '', {}, settings)).toMatchObject({ exitCode: 0 });
      expect(agent.taskText('silent')).toBe('by its own\n');
      expect(await run('asks', '"echo $OF_IMAGE; exit 4"', {}, settings)).toMatchObject({
        exitCode: 4,
      });
      expect(agent.taskText('asks')).toBe('yes\n');
      const containerRunOptions = '--network none --entrypoint /bin/echo';
      expect(
        await run('replaces', 'another program', {}, { ...settings, containerRunOptions }),
      ).toMatchObject({ exitCode: 0 });
      expect(agent.taskText('replaces')).toBe('another program\n');
    });

    test('come to an end at their wall-clock limit, whatever they ignore', async () => {
      const script = sh('trap "" TERM INT; echo up; sleep 61 & while true; do sleep 1; done');
      const outcome = await run('endless', script, { maxWallClockTimeMs: 1_500 });
      expect(outcome).toMatchObject({ failure: { code: 'TaskEnded' } });
      expect(containersOf(agent.root)).toEqual([]);
      expect(living('workitems/Job/job-1/endless')).toEqual([]);
    });

    test('are of no pool without a containerConfiguration', async () => {
      const plain = await StartedAgent.start({ environment: engine.environment });
      try {
        await plain.controller.prepared();
        const outcome = await plain.controller.run(inTiny('refused', sh('true')));
        expect(outcome.failure).toMatchObject({
          category: 'usererror',
          code: 'ContainerPoolNotSupported',
        });
        expect(await plain.controller.run(assignment('next', 'true'))).toMatchObject({
          exitCode: 0,
        });
      } finally {
        await plain.stop();
      }
    });

    test('can be the start task too', async () => {
      const startTask = {
        commandLine: sh('echo $OF_IMAGE > $AZ_BATCH_NODE_SHARED_DIR/started'),
        environmentSettings: [],
        resourceFiles: [],
        maxTaskRetryCount: 0,
        waitForSuccess: true,
        container: { imageName: tiny(), containerRunOptions: '--network none' },
      };
      const other = await start([], { configuration: { startTask } });
      try {
        const ended = await waitFor(
          'its end',
          () => other.controller.eventsOf('startTaskEnded')[0],
        );
        expect(ended.outcome, other.log).toMatchObject({ exitCode: 0 });
        expect(other.text('shared/started')).toBe('yes\n');
      } finally {
        await other.stop();
      }
    });

    test('are removed where an agent died between their making and their start', async () => {
      const making = `${engine.program} create --label "batchyard.node=$(dirname "$4")/root" ${tiny()} /bin/true`;
      const other = await start([], { before: ['/bin/sh', '-c', `${making}; exec "$@"`, 'sh'] });
      try {
        await waitFor('the node', () => other.controller.events.length > 0);
        expect(other.controller.eventsOf('nodeUnusable')).toEqual([]);
        expect(containersOf(other.root)).toEqual([]);
      } finally {
        await other.stop();
      }
    });

    test('come without TLS from a registry whose address says so, and else they do not', async () => {
      const untold = { CONTAINERS_REGISTRIES_CONF: '/dev/null' };
      const image = `${registry.host}/plain:1`;
      const from = (registryServer: string) =>
        start([image], {
          environment: untold,
          configuration: {
            containers: { type, images: [image], registries: [{ registryServer, ...LOGIN }] },
          },
        });
      // Docker itself trusts registries on loopback.
      const refused = name === 'Podman' ? [registry.host] : [];
      for (const server of [...refused, `http://${registry.host}`]) {
        const other = await from(server);
        try {
          await waitFor('the node', () => other.controller.events.length > 0);
          const codes = other.controller.eventsOf('nodeUnusable').map(({ code }) => code);
          expect(codes).toEqual(refused.includes(server) ? ['ContainerInvalidRegistry'] : []);
        } finally {
          await other.stop();
        }
      }
      expect(engine.call('image', 'ls', '--quiet', image)).not.toBe('');
    });

    test.runIf(name === 'Podman')('have short names of images by Docker, too', async () => {
      const settings = join(engine.folder.path, 'docker-io.conf');
      const place = `location = "${registry.host}"\ninsecure = true`;
      writeFileSync(settings, `[[registry]]\nprefix = "docker.io/library"\n${place}\n`);
      const environment = { CONTAINERS_REGISTRIES_CONF: settings };
      const other = await start(['short:1'], { environment });
      try {
        const of = { container: { imageName: 'short:1', containerRunOptions: '--network none' } };
        await waitFor('the node', () => other.controller.events.length > 0);
        expect(other.controller.eventsOf('nodeUnusable')).toEqual([]);
        const outcome = await other.controller.run(assignment('short', sh('echo $OF_IMAGE'), of));
        expect(outcome, other.log).toMatchObject({ exitCode: 0 });
        expect(other.taskText('short')).toBe('yes\n');
      } finally {
        await other.stop();
      }
    });

    test('cost three calls of the engine where their image is there', async () => {
      const calls = join(engine.folder.path, 'calls');
      const environment = { BATCHYARD_CONTAINER_PROGRAM: wrapped(`echo "$1" >> ${calls}`) };
      const other = await start([tiny()], { environment });
      try {
        await other.controller.prepared();
        writeFileSync(calls, '');
        const outcome = await other.controller.run(inTiny('three', sh('true')));
        expect(outcome, other.log).toMatchObject({ exitCode: 0 });
        expect(readFileSync(calls, 'utf8')).toBe('create\nstart\nrm\n');
      } finally {
        await other.stop();
      }
    });

    test.runIf(name === 'Podman')(
      'were not begun where the engine says so, whatever it says before',
      async () => {
        const warns = `echo 'time="2026-01-01T00:00:00Z" level=error msg="Removing container"' >&2`;
        const environment = {
          BATCHYARD_CONTAINER_PROGRAM: wrapped(`[ "$1" != start ] || ${warns}`),
        };
        const other = await start([tiny()], { environment });
        try {
          await other.controller.prepared();
          const outcome = await other.controller.run(inTiny('program', '/bin/nothing'));
          expect(outcome.failure?.code, other.log).toBe('CommandProgramNotFound');
        } finally {
          await other.stop();
        }
      },
    );

    test('make a node unusable whose images can’t be had, with the reason', async () => {
      for (const [images, environment, code] of [
        [[`${registry.host}/missing:1`], {}, 'ContainerInvalidImage'],
        [[], broken, 'NodePreparationError'],
        [[], { PATH: '/nowhere' }, 'NodePreparationError'],
      ] as const) {
        const other = await start([...images], { environment });
        try {
          const event = await waitFor(
            'its error',
            () => other.controller.eventsOf('nodeUnusable')[0],
          );
          expect(event.code, event.message).toBe(code);
        } finally {
          await other.stop();
        }
      }
    });
  });
