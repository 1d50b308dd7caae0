import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { armId } from '../../provider/core/arm-id.js';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { ACCOUNT } from './ports.js';
import { poolProgram, processProject } from './process-project.js';
import { root, Stack } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);

/** States of the nodes of a pool that may not be there yet. */
async function slowNodes(batch: ReturnType<typeof batchClient>): Promise<(string | undefined)[]> {
  const pools = await batch.pool.list();
  if (!pools.some(({ id }) => id === 'slow')) return [];
  return (await batch.computeNode.list('slow')).map(({ state }) => state);
}

suite('the provider process with the real Pulumi CLI on a real controller', [pulumiCli], () => {
  const folder = tempDirectory('process');
  const project = processProject(folder.path);
  const hidden = 'a text that no state file may show';
  let controller: StartedController;
  let stack: Stack;

  beforeAll(async () => {
    controller = await startController();
    stack = new Stack(binaries ?? '', folder.path, environment(), project.path);
    project.program('');
    await stack.init();
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });

  const environment = () => ({
    BATCHYARD_ENDPOINT: controller.url,
    BATCHYARD_ADMIN_TOKEN: controller.adminToken,
  });
  const succeed = async (command: string, ...flags: string[]) => {
    const { code, text } = await stack.run(command, ...flags);
    expect(code, text).toBe(0);
    return text;
  };
  const client = async () => {
    const { key } = await stack.outputs();
    return batchClient({ url: controller.url, account: 'yard', key: String(key) });
  };
  const JOB = `
const job = make('Job', 'job', {
  accountName: 'yard',
  jobId: 'j1',
  poolInfo: { poolId: pool.poolName },
  commonEnvironmentSettings: [{ name: 'SECRET', value: pulumi.secret('${hidden}') }],
  creationTime: undefined,
}, { dependsOn: pool });
const other = new pulumi.ProviderResource('batchyard', 'other', {
  endpoint: process.env.BATCHYARD_ENDPOINT, adminToken: process.env.BATCHYARD_ADMIN_TOKEN,
});
make('StorageContainer', 'files', {
  accountName: 'yard', containerName: 'files', files: { project: 'Pulumi.yaml' }, containerUrl: undefined,
}, { dependsOn: account, provider: other });
exports.key = account.primaryKey;
exports.created = pool.creationTime;
exports.nodes = pool.currentDedicatedNodes;
exports.found = pool.poolName.apply((poolName) =>
  pulumi.runtime.invoke('batchyard:index:getPool', { accountName: 'yard', poolName }));
exports.images = account.primaryKey.apply(() =>
  pulumi.runtime.invoke('batchyard:index:listSupportedImages', { accountName: 'yard' }));
`;

  it('shows the schema to the CLI', async () => {
    const bin = join(root, 'provider', 'bin', 'pulumi-resource-batchyard');
    const shown = JSON.parse(await stack.must(['package', 'get-schema', bin])) as object;
    expect(shown).toMatchObject({
      name: 'batchyard',
      functions: {
        'batchyard:index:getPool': { inputs: { required: ['accountName', 'poolName'] } },
      },
    });
  });

  it('makes everything, and answers functions', async () => {
    project.program(poolProgram(1) + JOB);
    await succeed('up');
    const { nodes, found, images } = await stack.outputs();
    expect(nodes).toBe(1);
    expect(found).toMatchObject({ poolName: 'p1', targetDedicatedNodes: 1 });
    expect(images).toMatchObject({ images: [{ nodeAgentSkuId: expect.any(String) as string }] });
  });

  it('shows where a change is, and keeps what it does not move known in the preview', async () => {
    const container = `
make('StorageContainer', 'dependent', {
  accountName: 'yard', containerName: 'dependent', contents: { at: pool.creationTime },
}, { dependsOn: account });`;
    project.program(poolProgram(1) + JOB + container);
    expect(await succeed('up')).toMatch(/\+ 1 created\s+6 unchanged/);
    project.program(poolProgram(2) + JOB + container);
    const text = await succeed('preview', '--diff');
    expect(text).toMatch(/targetDedicatedNodes:\s+1 => 2/);
    expect(text).toMatch(/~ 1 to update\s+6 unchanged/);
    await succeed('up');
    expect((await (await client()).pool.get('p1')).currentDedicatedNodes).toBe(2);
  });

  it('changes nothing the second time, nor does a refresh find a change', async () => {
    await succeed('up', '--refresh', '--expect-no-changes');
  });

  it('keeps keys and secret inputs out of every state file', async () => {
    const { key } = await stack.outputs();
    const leaks = stack
      .stateFiles()
      .filter(({ text }) =>
        [String(key), hidden, controller.adminToken].some((value) => text.includes(value)),
      );
    expect(leaks.map(({ path }) => path)).toEqual([]);
  });

  it('takes over what exists with pulumi import, and changes nothing then', async () => {
    const other = new Stack(
      binaries ?? '',
      join(folder.path, 'other'),
      environment(),
      project.path,
    );
    await other.init();
    const resources = [
      { type: 'batchyard:index:Account', name: 'account', id: 'yard' },
      { type: 'batchyard:index:Pool', name: 'pool', id: 'yard/p1' },
      {
        type: 'batchyard:index:Job',
        name: 'job',
        id: armId({ ...ACCOUNT, resourceGroupName: 'default' }, 'jobs', 'j1'),
      },
    ];
    const file = join(folder.path, 'import.json');
    const take = async (list: object[]) => {
      writeFileSync(file, JSON.stringify({ resources: list }));
      return other.run('import', '--file', file, '--generate-code=false', '--protect=false');
    };
    const { code, text } = await take(resources);
    expect(code, text).toBe(0);
    const refused = await take([
      { type: 'batchyard:index:StorageContainer', name: 'missing', id: 'yard/missing' },
    ]);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toMatch(/batchyard:index:StorageContainer missing .*does not exist/);
    project.program(poolProgram(2) + JOB.slice(0, JOB.indexOf('const other')));
    const again = await other.run('up', '--expect-no-changes');
    expect(again.code, again.text).toBe(0);
    expect(other.stateFiles().filter((state) => state.text.includes(hidden))).toEqual([]);
    project.program(poolProgram(2) + JOB);
  });

  it('finds drift, and puts it right', async () => {
    const batch = await client();
    await batch.job.deleteMethod('j1');
    await waitFor('the job to go', async () => (await batch.job.list()).length === 0);
    await batch.pool.patch('p1', { metadata: [{ name: 'strange', value: 'one' }] });
    const text = await succeed('up', '--refresh');
    expect(text).toMatch(/batchyard:index:Job job created/);
    expect(text).toMatch(/batchyard:index:Pool pool updated .*metadata/);
    expect((await batch.pool.get('p1')).metadata).toEqual([
      { name: 'pulumi', value: expect.stringContaining('/pool') as string },
    ]);
  });

  it('ends a wait at Ctrl-C, and keeps in the state what exists by then', async () => {
    const slow = `
make('Pool', 'slow', {
  ...machine, accountName: 'yard', poolName: 'slow', waitFor: 'nodesIdle',
  scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
  startTask: { commandLine: 'sleep 600', waitForSuccess: true },
}, { dependsOn: pool });`;
    project.program(poolProgram(2) + JOB + slow);
    const batch = await client();
    const { child, done } = stack.start('up');
    await waitFor(
      'the start task',
      async () => (await slowNodes(batch)).includes('waitingforstarttask'),
      { timeoutMs: 30_000 },
    );
    child.kill('SIGINT');
    const { code, text } = await done;
    expect(code, text).not.toBe(0);
    expect(text).toMatch(/Pool slow \(account yard\): cancelled by Pulumi .*pulumi up again/);
    const state = await stack.must(['stack', 'export', '--stack', stack.name]);
    expect(state).toContain('batchyard:index:Pool::slow');
  });

  it('removes everything', async () => {
    const batch = await client();
    await succeed('destroy');
    await expect(batch.pool.list()).rejects.toMatchObject({ statusCode: 403 });
  });
});
