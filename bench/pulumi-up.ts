import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPulumi } from '../scripts/pulumi-cli.mjs';
import { Stack, writeProject } from '../test/provider/pulumi-stack.js';
import { startController } from '../test/support/start-controller.js';
import { tempDirectory } from '../test/support/temp-dir.js';

/** `pulumi up` of that many jobs beside as many resources of a provider that does nothing, in turn. */
const RESOURCES = Number(process.argv[2] ?? 100);
const ROUNDS = Number(process.argv[3] ?? 3);

const IDLE = `
const nothing = { create: async (inputs) => ({ id: inputs.number, outs: inputs }), diff: async () => ({ changes: false }) };
class Idle extends pulumi.dynamic.Resource {
  constructor(name, args) { super(nothing, name, args); }
}
for (let n = 0; n < ${RESOURCES}; n += 1) new Idle('idle-' + n, { number: 'n' + n });
`;
const JOBS = `
const accountName = 'testaccount';
for (let n = 0; n < ${RESOURCES}; n += 1)
  new batchyard.Job('job-' + n, { accountName, resourceGroupName: 'batchyard', jobId: 'job-' + n, poolInfo: { poolId: 'none-yet' } });
`;

/** Of all processes that have ended below this one: the CLI, the program and the provider, not the controller. */
function childrenCpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const binaries = findPulumi();
if (binaries === undefined) throw new Error('no Pulumi CLI: node scripts/pulumi-cli.mjs gets it');
const folder = tempDirectory('pulumi-bench');
const controller = await startController();
const contestants = [
  { name: 'a provider that does nothing', program: IDLE, seconds: {} as Record<string, number[]> },
  { name: 'Batchyard, jobs', program: JOBS, seconds: {} as Record<string, number[]> },
];
try {
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [at, { program, seconds }] of contestants.entries()) {
      const home = join(folder.path, `${round}-${at}`);
      mkdirSync(home);
      const project = writeProject(join(home, 'project'), program);
      const stack = new Stack(
        binaries,
        home,
        { BATCHYARD_ENDPOINT: controller.url, BATCHYARD_ADMIN_TOKEN: controller.adminToken },
        project,
      );
      await stack.init();
      for (const [what, ...command] of [
        ['up', 'up'],
        ['no-op up', 'up', '--expect-no-changes'],
        ['destroy', 'destroy'],
      ] as const) {
        const started = performance.now();
        const before = childrenCpuSeconds();
        const { code, text } = await stack.run(...(command as unknown as [string]));
        if (code !== 0) throw new Error(text);
        (seconds[what] ??= []).push((performance.now() - started) / 1000);
        (seconds[`${what}, processor`] ??= []).push(childrenCpuSeconds() - before);
      }
      rmSync(home, { recursive: true });
    }
} finally {
  await controller.stop();
  folder.remove();
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const [idle, jobs] = contestants;
for (const what of Object.keys(idle?.seconds ?? {})) {
  const [before, ours] = [idle?.seconds[what] ?? [], jobs?.seconds[what] ?? []];
  const ratios = ours.map((value, at) => value / (before[at] ?? NaN));
  console.log(
    `${what} of ${RESOURCES}: does nothing ${median(before).toFixed(1)} s, jobs ${median(ours).toFixed(1)} s, ratio ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
  );
}
