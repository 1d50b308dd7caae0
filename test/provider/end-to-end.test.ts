import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPulumi } from '../../scripts/pulumi-cli.mjs';
import { batchClient } from '../support/client.js';
import { requirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { Stack } from './pulumi-stack.js';

const binaries = findPulumi();
const pulumiCli = await requirement(
  'the Pulumi CLI',
  () => binaries !== undefined,
  'node scripts/pulumi-cli.mjs',
);

suite('examples/quickstart with the real Pulumi CLI on a real controller', [pulumiCli], () => {
  const folder = tempDirectory('pulumi');
  const message = 'a message that no state file may show';
  let controller: StartedController;
  let stack: Stack;

  beforeAll(async () => {
    controller = await startController({
      environment: { BATCHYARD_JOB_SCHEDULE_MINIMUM_INTERVAL: 'PT5S' },
    });
    const { url, adminToken } = controller;
    stack = new Stack(binaries ?? '', folder.path, {
      BATCHYARD_ENDPOINT: url,
      BATCHYARD_ADMIN_TOKEN: adminToken,
    });
    mkdirSync(join(folder.path, 'texts'));
    for (const [name, text] of Object.entries({
      one: 'the cat',
      two: 'the dog and the cat',
      'three.bin': '\0',
    }))
      writeFileSync(join(folder.path, 'texts', name), text);
    await stack.init();
    await stack.set('folder', join(folder.path, 'texts'));
    await stack.set('message', message, '--secret');
    await stack.set('nodes', '1');
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });

  const succeed = async (command: string, ...flags: string[]) => {
    const { code, text } = await stack.run(command, ...flags);
    expect(code, text).toBe(0);
    return text;
  };
  const client = async () => {
    const { accountName, accountKey } = await stack.outputs();
    return batchClient({
      url: controller.url,
      account: String(accountName),
      key: String(accountKey),
    });
  };

  it('refuses bad input before anything is made, in a message that names resource and property', async () => {
    await stack.set('nodes', '-1');
    const { code, text } = await stack.run('preview');
    expect(code).not.toBe(0);
    expect(text).toMatch(/batchyard:Pool/);
    expect(text).toMatch(/scaleSettings\.fixedScale\.targetDedicatedNodes/);
    await stack.set('nodes', '1');
  });

  it('deploys everything, and the tasks succeed', async () => {
    await succeed('up');
    const batch = await client();
    const { jobId, outputContainer, accountName } = await stack.outputs();
    await waitFor(
      'the job to complete',
      async () => (await batch.job.get(String(jobId))).state === 'completed',
      { timeoutMs: 120_000, intervalMs: 300 },
    );
    const tasks = await batch.task.list(String(jobId));
    expect(tasks.map(({ id, executionInfo }) => [id, executionInfo?.result])).toEqual(
      ['count-one', 'count-two', 'decrypt', 'merge'].map((id) => [id, 'success']),
    );
    const report = await fetch(
      `${controller.url}/storage/${String(accountName)}/${String(outputContainer)}/report.json`,
      {
        headers: { authorization: `Bearer ${controller.adminToken}` },
      },
    );
    expect(await report.json()).toEqual({ files: 2, words: { the: 3, cat: 2, and: 1, dog: 1 } });
  });

  it('changes nothing the second time, nor does a refresh find a change', async () => {
    await succeed('up', '--expect-no-changes');
    await succeed('refresh', '--expect-no-changes');
  });

  it('changes the size of the pool in place', async () => {
    await stack.set('nodes', '2');
    const text = await succeed('up');
    expect(text).toMatch(/batchyard:Pool pool updated .*~scaleSettings/);
    expect(text).toMatch(/~ 1 updated\s+7 unchanged/);
    const { poolId } = await stack.outputs();
    expect((await (await client()).pool.get(String(poolId))).currentDedicatedNodes).toBe(2);
  });

  it('lets a formula decide over the nodes, compares none of them then, and takes over again', async () => {
    await stack.set(
      'formula',
      '$TargetDedicatedNodes = 1; $NodeDeallocationOption = taskcompletion;',
    );
    expect(await succeed('up')).toMatch(/~ 1 updated\s+7 unchanged/);
    const { poolId } = await stack.outputs();
    const pool = async () => (await client()).pool.get(String(poolId));
    expect(await pool()).toMatchObject({ enableAutoScale: true });
    const sized = async () => (await pool()).currentDedicatedNodes === 1;
    await waitFor('the formula to take a node away', sized, { timeoutMs: 60_000, intervalMs: 300 });
    await succeed('up', '--expect-no-changes');
    await succeed('refresh', '--expect-no-changes');
    await stack.unset('formula');
    expect(await succeed('up')).toMatch(/~ 1 updated\s+7 unchanged/);
    expect(await pool()).toMatchObject({ enableAutoScale: false, currentDedicatedNodes: 2 });
  });

  it('makes anew what went behind its back', async () => {
    const { jobScheduleId } = await stack.outputs();
    const batch = await client();
    await batch.jobSchedule.deleteMethod(String(jobScheduleId));
    const gone = async () => (await batch.jobSchedule.list()).length === 0;
    await waitFor('the job schedule to go', gone, { intervalMs: 200 });
    expect(await succeed('up', '--refresh')).toMatch(/batchyard:JobSchedule schedule created/);
  });

  it('keeps keys, passwords and what was encrypted out of every state file', async () => {
    const exported = await stack.must(['stack', 'export', '--show-secrets', '--stack', stack.name]);
    const secret = (name: string) =>
      new RegExp(`"${name}":\\s*\\{[^}]*"plaintext":\\s*"((?:[^"\\\\]|\\\\.)*)"`).exec(
        exported,
      )?.[1];
    const values = ['primaryKey', 'secondaryKey', 'privateKeyPem', 'pfxData', 'pfxPassword'].map(
      (name) => {
        const text = secret(name);
        expect(text, name).toBeTruthy();
        return JSON.parse(JSON.parse(`"${text ?? ''}"`) as string) as string;
      },
    );
    const secrets = [...values, 'PRIVATE KEY', message, controller.adminToken];
    const leaks = stack
      .stateFiles()
      .flatMap(({ path, text }) =>
        secrets
          .filter(
            (value) => text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1)),
          )
          .map((value) => `${path}: ${value.slice(0, 8)}…`),
      );
    expect(leaks).toEqual([]);
  });

  it('removes everything', async () => {
    const batch = await client();
    await succeed('destroy');
    await expect(batch.pool.list()).rejects.toMatchObject({ statusCode: 403 });
    expect(await stack.must(['stack', 'export', '--stack', stack.name])).not.toContain(
      'batchyard:',
    );
  });
});
