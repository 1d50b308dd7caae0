import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { root, Stack } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);
const openMpi = await requirement(
  'Open MPI',
  () => (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'mpirun'))),
  'apt-get install -y --no-install-recommends openmpi-bin',
);
const ACCOUNTS_AT_ONCE = 2;

/** What an example must have done once its job has completed; `output` is what its tasks printed, by id. */
interface Example {
  configuration?: Record<string, string>;
  done?: (output: Record<string, string>) => void;
  /** For one without a job that completes. */
  look?: (batch: BatchServiceClient, outputs: Record<string, unknown>) => Promise<void>;
}

const EXAMPLES: Record<string, Example> = {
  'application-package': {
    done: ({ greet }) => expect(greet).toBe('hello world, from a package\n'),
  },
  autoscale: {
    configuration: { evaluationInterval: 'PT10S', most: '2' },
    done: (output) =>
      expect(Object.values(output).sort()).toEqual([...'01234567'].map((n) => `${n}\n`)),
  },
  'batch-cluster': { done: ({ world }) => expect(world).toBe('hello world\n') },
  'certificate-secret': {
    done: ({ decrypt }) => expect(decrypt?.trim()).toBe(String('a token for nodes only'.length)),
  },
  'nightly-report': {
    look: async (batch, { jobScheduleId }) => {
      const { executionInfo } = await batch.jobSchedule.get(String(jobScheduleId));
      const next = new Date(executionInfo?.nextRunTime ?? 0);
      const clock = next.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' });
      expect(clock).toBe('02:30:00');
      expect(next.getTime()).toBeGreaterThan(Date.now());
    },
  },
  'low-priority': {
    done: (output) => {
      expect(Object.keys(output)).toHaveLength(4);
      for (const text of Object.values(output)) expect(text).toMatch(/^dedicated: (true|false)\n$/);
    },
  },
};
if (openMpi.met)
  EXAMPLES.mpi = {
    done: ({ ranks }) =>
      expect(ranks?.trim().split('\n').sort()).toEqual([0, 1, 2, 3].map((n) => `rank ${n} of 4`)),
  };
/** Deployed by other suites, for what they need. */
const ELSEWHERE = ['quickstart', 'containers', 'libvirt-pool', 'docker-controller'];

suite('each example with the real CLI on a real controller', [pulumiCli], () => {
  const folder = tempDirectory('examples');
  let controller: StartedController;
  let lanes = Promise.resolve();
  beforeAll(async () => {
    controller = await startController({
      environment: { BATCHYARD_AUTO_SCALE_MINIMUM_INTERVAL: 'PT5S' },
    });
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });

  it('is deployed by a test', () => {
    const folders = readdirSync(join(root, 'examples'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const known = [...Object.keys(EXAMPLES), ...ELSEWHERE, ...(openMpi.met ? [] : ['mpi'])];
    expect(folders.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.concurrent.each(Object.entries(EXAMPLES))('%s', async (name, example) => {
    await turn(async () => {
      const home = join(folder.path, name);
      const environment = {
        BATCHYARD_ENDPOINT: controller.url,
        BATCHYARD_ADMIN_TOKEN: controller.adminToken,
        // Types are checked once for all of them (npm run check).
        PULUMI_NODEJS_TRANSPILE_ONLY: 'true',
      };
      const stack = new Stack(binaries ?? '', home, environment, join(root, 'examples', name));
      await stack.init();
      for (const [key, value] of Object.entries(example.configuration ?? {}))
        await stack.set(key, value);
      try {
        const { code, text } = await stack.run('up');
        expect(code, text).toBe(0);
        await follow(example, await stack.outputs());
      } finally {
        const { code, text } = await stack.run('destroy');
        expect(code, text).toBe(0);
      }
    });
  });

  /** Two stacks at a time: each runs several processes. */
  let free = ACCOUNTS_AT_ONCE;
  async function turn(step: () => Promise<void>): Promise<void> {
    while (free === 0) await lanes;
    free -= 1;
    const run = step().finally(() => (free += 1));
    lanes = run.then(
      () => undefined,
      () => undefined,
    );
    await run;
  }

  async function follow(example: Example, outputs: Record<string, unknown>): Promise<void> {
    const { accountName, accountKey, jobId } = outputs;
    const { url } = controller;
    const batch = batchClient({ url, account: String(accountName), key: String(accountKey) });
    await example.look?.(batch, outputs);
    if (example.done === undefined) return;
    await waitFor(
      `job ${String(jobId)} to complete`,
      async () => (await batch.job.get(String(jobId))).state === 'completed',
      { timeoutMs: 90_000, intervalMs: 300 },
    );
    const output: Record<string, string> = {};
    for (const { id = '', executionInfo } of await batch.task.list(String(jobId))) {
      expect(executionInfo?.result, `${id}: ${JSON.stringify(executionInfo)}`).toBe('success');
      output[id] = await printed(batch, String(jobId), id);
    }
    example.done(output);
  }
});

async function printed(batch: BatchServiceClient, jobId: string, taskId: string): Promise<string> {
  const { readableStreamBody } = await batch.file.getFromTask(jobId, taskId, 'stdout.txt');
  let text = '';
  for await (const chunk of readableStreamBody ?? []) text += String(chunk);
  return text;
}
