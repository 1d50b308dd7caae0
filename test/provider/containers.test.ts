import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController } from '../support/start-controller.js';
import { dockerRequirement, StartedDockerd } from '../support/started-dockerd.js';
import { tempDirectory } from '../support/temp-dir.js';
import { tinyRoot } from '../support/tiny-root.js';
import { waitFor } from '../support/wait-for.js';
import { root, Stack } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);
const docker = await dockerRequirement();
const IMAGE = 'tiny:1';

suite('with a real Docker', [docker, pulumiCli], () => {
  const folder = tempDirectory('containers-example');
  let dockerd: StartedDockerd;

  beforeAll(async () => {
    dockerd = await StartedDockerd.start();
    dockerd.call('import', '--change', 'ENV PATH=/bin', tinyRoot(dockerd.folder.path), IMAGE);
  });
  afterAll(async () => {
    await dockerd.stop();
    folder.remove();
  });

  it('the example of tasks in containers is deployed, runs its task, and goes', async () => {
    const controller = await startController({ environment: dockerd.environment });
    try {
      const environment = {
        BATCHYARD_ENDPOINT: controller.url,
        BATCHYARD_ADMIN_TOKEN: controller.adminToken,
        PULUMI_NODEJS_TRANSPILE_ONLY: 'true',
      };
      const project = join(root, 'examples/containers');
      const stack = new Stack(binaries ?? '', join(folder.path, 'stack'), environment, project);
      await stack.init();
      await stack.set('image', IMAGE);
      const up = await stack.run('up');
      expect(up.code, up.text).toBe(0);
      const { accountName, accountKey } = await stack.outputs();
      const { url } = controller;
      const batch = batchClient({ url, account: String(accountName), key: String(accountKey) });
      const task = await waitFor('its task to complete', async () => {
        const seen = await batch.task.get('inside', 'inside');
        return seen.state === 'completed' ? seen : undefined;
      });
      expect(task.executionInfo).toMatchObject({ result: 'success', exitCode: 0 });
      const { readableStreamBody } = await batch.file.getFromTask('inside', 'inside', 'stdout.txt');
      let text = '';
      for await (const chunk of readableStreamBody ?? []) text += String(chunk);
      expect(text).toBe('in a container, as task inside\n');
      const down = await stack.run('destroy');
      expect(down.code, down.text).toBe(0);
      expect(dockerd.call('ps', '--all', '--quiet')).toBe('');
    } finally {
      await controller.stop();
    }
  });

  /**
   * No base image and no packages are loaded here: the base is made of this machine's Node and its
   * libraries, and the first stage of the build is replaced by what is installed and built already.
   */
  it('the image of the Dockerfile starts a controller that turns healthy and ends when told', async () => {
    const at = (name: string) => join(folder.path, name);
    const base = at('base');
    mkdirSync(join(base, 'usr/bin'), { recursive: true });
    execFileSync('tar', ['-C', base, '-xf', join(dockerd.folder.path, 'root.tar')]);
    cpSync(process.execPath, join(base, 'usr/bin/node'), { dereference: true });
    const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
    for (const [library] of libraries.matchAll(/\/\S+/g))
      cpSync(library, join(base, library), { dereference: true });
    const listed = ['ls', '--omit=dev', '--omit=optional', '--parseable', '--all'];
    const packages = execFileSync('npm', listed, { cwd: root, encoding: 'utf8' })
      .split('\n')
      .map((path) => path.slice(root.length))
      // Those of the provider are no part of what runs in the image; inner ones come with the outer.
      .filter((path) =>
        /^node_modules\/(?!@pulumi|@opentelemetry|@grpc|@azure\/batch|typescript$)(@[^/]+\/)?[^/]+$/.test(
          path,
        ),
      );
    const needless = ['*.map', '*.ts', '*.c', '*.h', '*.md', '*.tar.gz'].map(
      (name) => `--exclude=${name}`,
    );
    const built = [...packages, 'dist', 'package.json', 'LICENSE', 'provider/package.json'];
    const moved = ['--transform', 's,^,app/,'];
    execFileSync('tar', ['-C', root, ...moved, ...needless, '-cf', at('built.tar'), ...built]);
    execFileSync('tar', ['-C', base, '-cf', at('base.tar'), '.']);
    for (const name of ['base', 'built']) dockerd.call('import', at(`${name}.tar`), `${name}:test`);
    const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
    const ours = text.replace(
      /^FROM \$\{BUILD_BASE\}[\s\S]*?(?=^FROM \$\{BASE\}$)/m,
      'FROM built:test AS build\n\n',
    );
    expect(ours).not.toBe(text);
    mkdirSync(at('context'));
    writeFileSync(at('context/Dockerfile'), ours);
    const bases = ['--build-arg', 'BASE=base:test', '--network', 'none'];
    dockerd.call('build', '--quiet', '--tag', 'controller:test', ...bases, at('context'));
    const options = ['--detach', '--network', 'none', '--health-interval', '1s'];
    const id = dockerd.call(
      'run',
      ...options,
      '--env',
      'BATCHYARD_ADMIN_TOKEN=of-the-test-alone-0123456789',
      'controller:test',
    );
    const stateOf = () =>
      JSON.parse(dockerd.call('inspect', '--format', '{{json .State}}', id)) as {
        Status: string;
        ExitCode: number;
        Health: { Status: string };
      };
    await waitFor(
      'the container to be healthy',
      () => {
        const state = stateOf();
        if (state.Status !== 'running') throw new Error(dockerd.call('logs', id));
        return state.Health.Status === 'healthy';
      },
      { timeoutMs: 60_000, intervalMs: 300 },
    );
    const ask = `fetch('http://127.0.0.1:8480/pools?api-version=2022-10-01.16.0').then((answer) => answer.text()).then(console.log)`;
    expect(dockerd.call('exec', id, 'node', '-e', ask)).toContain('"code":');
    expect(dockerd.call('exec', id, '/bin/id', '-u')).toBe('1000');
    dockerd.call('stop', '--time', '20', id);
    expect(stateOf()).toMatchObject({ Status: 'exited', ExitCode: 0 });
    dockerd.call('rm', '--volumes', id);
  });
});
