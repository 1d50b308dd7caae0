import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificate.js';
import { AZ, azureCliRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { makeZip } from '../support/zip.js';

interface Ended {
  code: number;
  output: string;
  errors: string;
}

/** Each test goes on where the one before it ended. */
suite('az batch, unchanged, over https', [await azureCliRequirement()], () => {
  let controller: StartedController;
  const folder = tempDirectory('azure-cli');
  const file = (name: string) => join(folder.path, name);
  beforeAll(async () => {
    controller = await startController({ tls: true });
    mkdirSync(file('configuration'));
  });
  const running = new Set<ChildProcess>();
  afterAll(async () => {
    // Of a test that ran out of time; it would go on asking a controller that is gone.
    for (const child of running) child.kill('SIGKILL');
    await controller.stop();
    folder.remove();
  });

  /** No login and nothing of the user's own: name, key and endpoint come with every call. */
  const endedAny = (...command: string[]) =>
    new Promise<Ended>((resolve) => {
      const environment = {
        PATH: '/usr/bin:/bin',
        HOME: folder.path,
        NO_PROXY: '*',
        AZURE_CONFIG_DIR: file('configuration'),
        AZURE_CORE_COLLECT_TELEMETRY: 'false',
        REQUESTS_CA_BUNDLE: controller.caFile,
        AZURE_BATCH_ACCOUNT: controller.account,
        AZURE_BATCH_ACCESS_KEY: controller.key,
        AZURE_BATCH_ENDPOINT: controller.tlsUrl,
      };
      const child = execFile(
        AZ,
        [...command, '--output', 'json'],
        { env: environment },
        (error, output, errors) => {
          running.delete(child);
          resolve({ code: error === null ? 0 : Number(error.code), output, errors });
        },
      );
      running.add(child);
    });

  const ended = (...command: string[]) => endedAny('batch', ...command);

  /** What a command that must succeed prints; undefined where it prints nothing. */
  async function azAny(...command: string[]): Promise<unknown> {
    const { code, output, errors } = await endedAny(...command);
    if (code !== 0) {
      const log = /refused|reset/i.test(errors) ? `\nThe controller: ${controller.logs()}` : '';
      throw new Error(`az ${command.join(' ')} ended with ${String(code)}: ${errors}${log}`);
    }
    return output.trim() === '' ? undefined : (JSON.parse(output) as unknown);
  }
  const az = (...command: string[]) => azAny('batch', ...command);

  /** Waits with a client that costs nothing, then asks az: each call of az starts a Python of seconds. */
  async function until(
    what: string,
    expected: object,
    path: string,
    ...command: string[]
  ): Promise<void> {
    const look = async () => {
      const { status, text } = await signedRequest(controller, 'GET', path);
      if (status !== 200) return false;
      const seen = JSON.parse(text) as Record<string, unknown>;
      return Object.entries(expected).every(([name, value]) => seen[name] === value);
    };
    await waitFor(what, look, { timeoutMs: 60_000 });
    expect(await az(...command)).toMatchObject(expected);
  }

  const untilGone = (path: string) =>
    waitFor(
      `${path} to be gone`,
      async () => (await signedRequest(controller, 'GET', path)).status === 404,
      { timeoutMs: 60_000 },
    );

  it('shows the images and the applications of the account', async () => {
    expect(await az('pool', 'supported-images', 'list')).toContainEqual(
      expect.objectContaining({ nodeAgentSkuId: 'batch.node.process' }),
    );
    expect(await az('application', 'summary', 'list')).toEqual([]);
    const { code, errors } = await ended(
      'application',
      'summary',
      'show',
      '--application-id',
      'none',
    );
    expect([code, errors]).toEqual([expect.any(Number), expect.stringContaining('not exist')]);
    expect(code).not.toBe(0);
  });

  it('creates, shows, lists and deletes a certificate', async () => {
    const { thumbprint, pfx } = makeCertificate('az');
    writeFileSync(file('az.pfx'), Buffer.from(pfx('secret'), 'base64'));
    const named = ['--thumbprint', thumbprint];
    await az(
      'certificate',
      'create',
      ...named,
      '--certificate-file',
      file('az.pfx'),
      '--password',
      'secret',
    );
    expect(await az('certificate', 'show', ...named)).toMatchObject({
      thumbprint,
      state: 'active',
    });
    expect(await az('certificate', 'list')).toHaveLength(1);
    await az('certificate', 'delete', ...named, '--yes');
    await untilGone(`/certificates(thumbprintAlgorithm=sha1,thumbprint=${thumbprint})`);
    expect(await az('certificate', 'list')).toEqual([]);
  });

  it('creates a pool from options, changes it, and refuses the same id again', async () => {
    const create = ['pool', 'create', '--id', 'cli', '--vm-size', 'standard_d1_v2'];
    const image = ['--image', 'batchyard:process:local', '--node-agent-sku-id'];
    const all = [...create, ...image, 'batch.node.process', '--target-dedicated-nodes', '1'];
    await az(...all);
    await until(
      'the pool to have its node',
      { allocationState: 'steady', currentDedicatedNodes: 1 },
      '/pools/cli',
      ...['pool', 'show', '--pool-id', 'cli'],
    );
    await az('pool', 'set', '--pool-id', 'cli', '--metadata', 'a=b');
    expect(await az('pool', 'list', '--filter', "id eq 'cli'")).toMatchObject([
      { id: 'cli', metadata: [{ name: 'a', value: 'b' }] },
    ]);
    const again = await ended(...all);
    expect(again.code).not.toBe(0);
    expect(again.errors).toContain('already exists');
    expect(await az('pool', 'node-counts', 'list')).toMatchObject([{ poolId: 'cli' }]);
  });

  it('creates a job and tasks, from options and from a file, and shows how they ended', async () => {
    await az('job', 'create', '--id', 'cli-job', '--pool-id', 'cli', '--priority', '5');
    await az('job', 'set', '--job-id', 'cli-job', '--priority', '6');
    expect(await az('job', 'show', '--job-id', 'cli-job')).toMatchObject({ priority: 6 });
    const ofJob = ['--job-id', 'cli-job'];
    const line = '/bin/sh -c "echo from az"';
    await az('task', 'create', ...ofJob, '--task-id', 'one', '--command-line', line);
    const tasks = Array.from({ length: 120 }, (_, n) => ({
      id: `t${String(n)}`,
      commandLine: '/bin/true',
    }));
    writeFileSync(file('tasks.json'), JSON.stringify(tasks));
    expect(await az('task', 'create', ...ofJob, '--json-file', file('tasks.json'))).toHaveLength(
      120,
    );
    await waitFor(
      'every task to complete',
      async () => {
        const { text } = await signedRequest(controller, 'GET', '/jobs/cli-job/taskcounts');
        return text.includes('"succeeded":121');
      },
      { timeoutMs: 60_000 },
    );
    expect(await az('job', 'task-counts', 'show', ...ofJob)).toMatchObject({
      taskCounts: { succeeded: 121 },
    });
    expect(await az('task', 'show', ...ofJob, '--task-id', 'one')).toMatchObject({
      state: 'completed',
      executionInfo: { exitCode: 0, result: 'success' },
    });
    expect(await az('task', 'list', ...ofJob, '--filter', "id eq 't7'")).toHaveLength(1);
    await az('task', 'reactivate', ...ofJob, '--task-id', 'one').catch((error: unknown) => {
      expect(String(error)).toContain('succeeded');
    });
    await az('task', 'delete', ...ofJob, '--task-id', 't7', '--yes');
  });

  it('lists, shows, downloads and deletes files of the task and of its node', async () => {
    const ofTask = ['--job-id', 'cli-job', '--task-id', 'one'];
    const listed = (await az('task', 'file', 'list', ...ofTask)) as { name: string }[];
    expect(listed.map(({ name }) => name)).toContain('stdout.txt');
    const stdout = ['--file-path', 'stdout.txt'];
    await az('task', 'file', 'show', ...ofTask, ...stdout);
    await az('task', 'file', 'download', ...ofTask, ...stdout, '--destination', file('stdout.txt'));
    expect(readFileSync(file('stdout.txt'), 'utf8')).toBe('from az\n');
    const part = ['--start-range', '5', '--end-range', '6', '--destination', file('part.txt')];
    await az('task', 'file', 'download', ...ofTask, ...stdout, ...part);
    expect(readFileSync(file('part.txt'), 'utf8')).toBe('az');
    const [node] = (await az('node', 'list', '--pool-id', 'cli')) as { id: string }[];
    const ofNode = ['--pool-id', 'cli', '--node-id', node?.id ?? ''];
    const all = (await az('node', 'file', 'list', ...ofNode, '--recursive', 'true')) as {
      name: string;
    }[];
    const path = all.find(({ name }) => name.endsWith('one/stdout.txt'))?.name ?? '';
    const onNode = [...ofNode, '--file-path', path];
    await az('node', 'file', 'show', ...onNode);
    await az('node', 'file', 'download', ...onNode, '--destination', file('node.txt'));
    expect(readFileSync(file('node.txt'), 'utf8')).toBe('from az\n');
    await az('node', 'file', 'delete', ...onNode, '--yes');
    await az('task', 'file', 'delete', ...ofTask, '--file-path', 'stderr.txt', '--yes');
  });

  it('signs in to the management plane with the admin token, and shows the account and its keys', async () => {
    const url = controller.tlsUrl ?? '';
    await azAny('cloud', 'register', '--name', 'yard', '--endpoint-resource-manager', url);
    await azAny('cloud', 'set', '--name', 'yard');
    const login = ['login', '--service-principal', '--tenant', 'adfs', '--username', 'admin'];
    const refused = await endedAny(...login, '--password', 'not-the-token');
    expect([refused.code === 0, refused.errors]).toEqual([
      false,
      expect.stringContaining('admin token'),
    ]);
    expect(await azAny(...login, '--password', controller.adminToken)).toMatchObject([
      { state: 'Enabled', tenantId: 'adfs' },
    ]);
    expect(await az('account', 'list')).toMatchObject([{ name: controller.account }]);
    const keys = ['account', 'keys', 'list', '--resource-group', 'batchyard'];
    expect(await az(...keys, '--name', controller.account)).toMatchObject({
      primary: controller.key,
    });
  });

  it('uploads and activates an application package, which a task then uses', async () => {
    writeFileSync(
      file('tool.zip'),
      makeZip([{ name: 'hello.txt', content: 'from the package\n' }]),
    );
    const account = ['--resource-group', 'batchyard', '--name', controller.account];
    // az refuses packages of an account without linked storage before it asks the service.
    const storage =
      '/subscriptions/0/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/own';
    await az('account', 'set', ...account, '--storage-account', storage);
    const application = [...account, '--application-name', 'tool'];
    const one = [...application, '--version-name', '1.0'];
    const create = ['application', 'package', 'create', ...one];
    expect(await az(...create, '--package-file', file('tool.zip'))).toMatchObject({
      state: 'Active',
      format: 'zip',
    });
    expect(await az('application', 'package', 'show', ...one)).toMatchObject({ state: 'Active' });
    await az('application', 'set', ...application, '--default-version', '1.0');
    expect(await az('application', 'package', 'list', ...application)).toMatchObject([
      { name: '1.0' },
    ]);
    expect(await az('application', 'summary', 'list')).toMatchObject([
      { id: 'tool', versions: ['1.0'] },
    ]);
    const task = {
      id: 'packed',
      commandLine: '/bin/sh -c "cat $AZ_BATCH_APP_PACKAGE_tool_1_0/hello.txt"',
      applicationPackageReferences: [{ applicationId: 'tool', version: '1.0' }],
    };
    writeFileSync(file('packed.json'), JSON.stringify(task));
    const ofTask = ['--job-id', 'cli-job', '--task-id', 'packed'];
    await az('task', 'create', '--job-id', 'cli-job', '--json-file', file('packed.json'));
    const completed = { state: 'completed' };
    await until(
      'the task to complete',
      completed,
      '/jobs/cli-job/tasks/packed',
      'task',
      'show',
      ...ofTask,
    );
    const download = ['task', 'file', 'download', ...ofTask, '--file-path', 'stdout.txt'];
    await az(...download, '--destination', file('packed.txt'));
    expect(readFileSync(file('packed.txt'), 'utf8')).toBe('from the package\n');
    await az('application', 'set', ...application, '--default-version', '');
    await az('application', 'package', 'delete', ...one, '--yes');
    await az('application', 'delete', ...application, '--yes');
    expect(await az('application', 'list', ...account)).toEqual([]);
  });

  it('shows the node, takes it out of scheduling and back, and removes it', async () => {
    const [node] = (await az('node', 'list', '--pool-id', 'cli')) as { id: string }[];
    const ofNode = ['--pool-id', 'cli', '--node-id', node?.id ?? ''];
    await az('node', 'scheduling', 'disable', ...ofNode);
    expect(await az('node', 'show', ...ofNode)).toMatchObject({ schedulingState: 'disabled' });
    await az('node', 'scheduling', 'enable', ...ofNode);
    await az('node', 'delete', '--pool-id', 'cli', '--node-list', node?.id ?? '');
    await until(
      'the pool to have no node',
      { allocationState: 'steady', currentDedicatedNodes: 0 },
      '/pools/cli',
      ...['pool', 'show', '--pool-id', 'cli'],
    );
  });

  it('resizes the pool, and stops a resize', async () => {
    await az('pool', 'resize', '--pool-id', 'cli', '--target-dedicated-nodes', '2');
    await until(
      'the pool to have two nodes',
      { allocationState: 'steady', currentDedicatedNodes: 2 },
      '/pools/cli',
      ...['pool', 'show', '--pool-id', 'cli'],
    );
    await az('pool', 'resize', '--pool-id', 'cli', '--target-dedicated-nodes', '0');
    const { errors } = await ended('pool', 'resize', '--pool-id', 'cli', '--abort');
    expect(errors).not.toContain('Traceback');
  });

  it('ends and deletes the job and the pool', async () => {
    // `az job disable` is left out: Debian's version knows no value of its --disable-tasks.
    await az('job', 'stop', '--job-id', 'cli-job', '--terminate-reason', 'told');
    const shown = ['job', 'show', '--job-id', 'cli-job'];
    await until('the job to end', { state: 'completed' }, '/jobs/cli-job', ...shown);
    await az('job', 'delete', '--job-id', 'cli-job', '--yes');
    await az('pool', 'delete', '--pool-id', 'cli', '--yes');
    await untilGone('/pools/cli');
    expect(await az('pool', 'list')).toEqual([]);
  });
});
