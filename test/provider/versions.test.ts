import { build } from 'esbuild';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { root, Stack, writeProject } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);
const JOBS = 100;
const PROGRAM = `
const { accountName } = new batchyard.Account('account', { accountName: 'yard' });
for (let n = 0; n < ${JOBS}; n += 1)
  new batchyard.Job('job-' + n, {
    accountName, jobId: 'job-' + n, poolInfo: { poolId: 'none-yet' }, metadata: [{ name: 'n', value: 'x' + n }],
  });
`;

/** Puts another build of the package into the project: other text, other version, same meaning. */
async function install(project: string, version: string, trace: string): Promise<void> {
  const folder = join(project, 'node_modules', '@batchyard', 'pulumi');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const exported = { '.': './dist/index.js', './impl': './dist/impl.js' };
  const description = { name: '@batchyard/pulumi', version, exports: exported };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(description));
  await build({
    entryPoints: { index: join(root, 'provider/index.ts'), impl: join(root, 'provider/impl.ts') },
    outdir: join(folder, 'dist'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
    minify: version !== '0.1.0',
    banner: {
      js: `require('node:fs').appendFileSync(${JSON.stringify(trace)}, __filename + '\\n');`,
    },
  });
}

suite('a stack of 100 jobs over two versions of the package', [pulumiCli], () => {
  const folder = tempDirectory('versions');
  const project = join(folder.path, 'project');
  const trace = (version: string) => join(folder.path, `loaded-${version}`);
  let controller: StartedController;
  let stack: Stack;

  beforeAll(async () => {
    controller = await startController();
    writeProject(project, PROGRAM);
    const modules = join(project, 'node_modules');
    rmSync(modules);
    mkdirSync(join(modules, '@batchyard'), { recursive: true });
    for (const name of ['@pulumi', '@azure', 'zod', 'node-forge', 'yazl', 'typescript'])
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
    const environment = {
      BATCHYARD_ENDPOINT: controller.url,
      BATCHYARD_ADMIN_TOKEN: controller.adminToken,
    };
    stack = new Stack(binaries ?? '', folder.path, environment, project);
    await stack.init();
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });

  it('holds of the provider a text of less than 80 characters a resource', async () => {
    await install(project, '0.1.0', trace('0.1.0'));
    const { code, text } = await stack.run('up');
    expect(code, text).toBe(0);
    const exported = await stack.must(['stack', 'export', '--stack', stack.name]);
    const { deployment } = JSON.parse(exported) as {
      deployment: { resources: { inputs?: { __provider?: string } }[] };
    };
    const texts = deployment.resources.flatMap(({ inputs }) => inputs?.__provider ?? []);
    expect(texts).toHaveLength(JOBS + 1);
    expect(new Set(texts)).toEqual(
      new Set(
        ['account', 'job'].map(
          (kind) => `exports.handler=()=>require("@batchyard/pulumi/impl").${kind};`,
        ),
      ),
    );
    expect(Math.max(...texts.map((one) => one.length))).toBeLessThan(80);
  });

  it('changes nothing under another version, and is removed by that one', async () => {
    await install(project, '9.9.9', trace('9.9.9'));
    expect(existsSync(trace('9.9.9'))).toBe(false);
    const { code, text } = await stack.run('up', '--expect-no-changes');
    expect(code, text).toBe(0);
    expect(text).toMatch(new RegExp(`${JOBS + 2} unchanged`));
    expect(readFileSync(trace('9.9.9'), 'utf8')).toContain('impl.js');
    const destroyed = await stack.run('destroy');
    expect(destroyed.code, destroyed.text).toBe(0);
  });
});
