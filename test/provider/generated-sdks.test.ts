import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasGo, obtainSdks } from '../../scripts/provider-sdks.mjs';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { processProject } from './process-project.js';
import { root, Stack } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);
const go = await requirement('Go', hasGo, 'https://go.dev/doc/install (1.25.8 or newer)');
const SLOW_MS = 600_000;

suite('SDKs that Pulumi generates from the schema', [pulumiCli, go], () => {
  const folder = tempDirectory('sdks');
  let controller: StartedController;
  let sdks: Awaited<ReturnType<typeof obtainSdks>>;
  beforeAll(async () => {
    [controller, sdks] = await Promise.all([startController(), obtainSdks()]);
  }, SLOW_MS);
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });
  const connection = () => ({
    BATCHYARD_ENDPOINT: controller.url,
    BATCHYARD_ADMIN_TOKEN: controller.adminToken,
  });

  it('deploy from Go, change nothing the second time, and remove everything', async () => {
    const work = join(folder.path, 'go');
    mkdirSync(join(work, 'state'), { recursive: true });
    const run = async (command: string) => {
      const child = spawn(sdks.program, [work, command], {
        env: {
          ...process.env,
          ...connection(),
          // As npm and pulumi plugin install leave it: on the path, or in Pulumi's own folder.
          PATH: `${join(root, 'provider', 'bin')}:${binaries ?? ''}:${process.env.PATH ?? ''}`,
          PULUMI_HOME: join(folder.path, 'home'),
          PULUMI_BACKEND_URL: `file://${join(work, 'state')}`,
          PULUMI_CONFIG_PASSPHRASE: 'of the test',
          PULUMI_SKIP_UPDATE_CHECK: 'true',
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [said, text] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (more: string) => (said += more));
      child.stderr.setEncoding('utf8').on('data', (more: string) => (text += more));
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code, text).toBe(0);
      return said.trim();
    };
    expect(await run('up')).toBe('1');
    const key = /"(key|primaryKey|secondaryKey)": *"/;
    const states = readdirSync(join(work, 'state'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    expect(states.some((text) => text.includes('batchyard:index:Pool'))).toBe(true);
    expect(states.filter((text) => key.test(text))).toEqual([]);
    await run('again');
    await run('destroy');
  });

  it('take over a stack of dynamic resources without a change', async () => {
    const project = processProject(join(folder.path));
    const stack = new Stack(binaries ?? '', join(folder.path, 'node'), connection(), project.path);
    const sdk = join(project.path, 'sdk');
    compile(sdks.nodejs, sdk);
    const program = (from: string, nodes: number) =>
      project.program(`
const batchyard = require('${from}');
const account = new batchyard.Account('account', { accountName: 'yard' });
const { accountName } = account;
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'p1',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  scaleSettings: { fixedScale: { targetDedicatedNodes: ${String(nodes)} } },
  userAccounts: [{ name: 'u', password: 'a password' }],
});
const { poolName } = pool;
new batchyard.Job('job', { accountName, jobId: 'j1', poolInfo: { poolId: poolName } });
new batchyard.StorageContainer('files', { accountName, containerName: 'files', contents: { a: 'text' } });
new batchyard.Certificate('certificate', { accountName, selfSigned: { commonName: 'x' }, secrets: { a: 'b' } });
exports.key = account.primaryKey;
exports.found = batchyard.getPoolOutput({ accountName, poolName }).currentDedicatedNodes;
`);
    const succeed = async (command: string, ...flags: string[]) => {
      const { code, text } = await stack.run(command, ...flags);
      expect(code, text).toBe(0);
      return text;
    };
    program('@batchyard/pulumi', 1);
    await stack.init();
    await succeed('up');
    expect(await stack.outputs()).toMatchObject({ found: 1 });
    program('./sdk', 1);
    await succeed('up', '--expect-no-changes');
    const { deployment } = JSON.parse(
      await stack.must(['stack', 'export', '--stack', stack.name]),
    ) as { deployment: { resources: { type: string; inputs?: object }[] } };
    const pool = deployment.resources.find(({ type }) => type === 'batchyard:index:Pool');
    expect(pool?.inputs).not.toHaveProperty('__provider');
    program('./sdk', 2);
    expect(await succeed('up')).toMatch(/~ 1 updated\s+5 unchanged/);
    const { key } = await stack.outputs();
    const batch = batchClient({ url: controller.url, account: 'yard', key: String(key) });
    expect((await batch.pool.get('p1')).currentDedicatedNodes).toBe(2);
    expect(stack.stateFiles().filter(({ text }) => text.includes('a password'))).toEqual([]);
    await succeed('destroy');
  });
});

/** As `tsc` would, without a look at types. */
function compile(sources: string, target: string): void {
  cpSync(sources, target, { recursive: true });
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  for (const name of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(join(target, name), 'utf8');
    const { outputText } = ts.transpileModule(text, { compilerOptions });
    writeFileSync(join(target, name.replace(/ts$/, 'js')), outputText);
  }
}
