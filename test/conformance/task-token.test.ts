import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const poolOfOne = {
  id: 'work',
  vmSize: 'standard_d1_v2',
  targetDedicatedNodes: 1,
  taskSlotsPerNode: 2,
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
};
const poolInfo = { poolId: 'work' };
const access = { authenticationTokenSettings: { access: ['job' as const] } };
/** Leaves its token in a file and runs on until it is told to end. */
const commandLine = `/bin/sh -c 'printf %s "$AZ_BATCH_AUTHENTICATION_TOKEN" > token; sleep 300'`;
const VERSION = 'api-version=2022-10-01.16.0';

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add(poolOfOne);
  for (const id of ['job1', 'job10']) await client.job.add({ id, poolInfo });
});
afterAll(() => controller.stop());

async function tokenOf(jobId: string, taskId: string): Promise<string> {
  await waitFor('the task to run', async () => {
    return (await client.task.get(jobId, taskId)).state === 'running';
  });
  return waitFor('the token', async () => {
    const answer = await client.file.getFromTask(jobId, taskId, 'wd/token').catch(() => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of answer?.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString() || undefined;
  });
}

async function call(token: string, path: string, method = 'GET', body?: object) {
  const answer = await fetch(`${controller.url}${path}?${VERSION}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const code = text === '' ? undefined : (JSON.parse(text) as { code?: string }).code;
  return [answer.status, code] as const;
}

describe('the token of a task', () => {
  it('opens every operation on its own job and no other thing', async () => {
    await client.task.add('job1', { id: 'holder', commandLine, ...access });
    const token = await tokenOf('job1', 'holder');
    expect(await call(token, '/jobs/job1')).toEqual([200, undefined]);
    expect(await call(token, '/jobs/JOB1/tasks')).toEqual([200, undefined]);
    const child = { id: 'child', commandLine: '/bin/true' };
    expect((await call(token, '/jobs/job1/tasks', 'POST', child))[0]).toBe(201);
    const refused = [403, 'AuthenticationFailed'];
    for (const path of [
      '/jobs/job10',
      '/jobs/job',
      '/jobs/job10/tasks',
      '/jobs',
      '/pools',
      '/pools/work',
      '/pools/work/nodes',
      '/jobschedules',
      '/certificates',
      '/applications',
      '/nodecounts',
    ])
      expect([path, ...(await call(token, path))]).toEqual([path, ...refused]);
    expect(await call(token, '/jobs', 'POST', { id: 'job2', poolInfo })).toEqual(refused);
    const changed = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`;
    expect(await call(changed, '/jobs/job1')).toEqual(refused);
    expect(controller.logs()).not.toContain(token);
  });

  it('is worth nothing once its attempt has ended, and the next attempt has another', async () => {
    await client.task.add('job10', { id: 'again', commandLine, ...access });
    const first = await tokenOf('job10', 'again');
    expect(await call(first, '/jobs/job10')).toEqual([200, undefined]);
    await client.task.terminate('job10', 'again');
    await waitFor('the token to die', async () => (await call(first, '/jobs/job10'))[0] === 403);
    await waitFor('the task to end', async () => {
      return (await client.task.get('job10', 'again')).state === 'completed';
    });
    await client.task.reactivate('job10', 'again');
    const second = await waitFor('another token', async () => {
      const token = await tokenOf('job10', 'again');
      return token !== first && token;
    });
    expect(await call(second, '/jobs/job10')).toEqual([200, undefined]);
    expect(await call(first, '/jobs/job10')).toEqual([403, 'AuthenticationFailed']);
  });

  it('is given to job managers that ask for one, and to nobody else', async () => {
    const script = `/bin/sh -c 'printf %s "\${AZ_BATCH_AUTHENTICATION_TOKEN-none}" > token; sleep 300'`;
    await client.job.terminate('job1');
    await client.job.terminate('job10');
    const jobManagerTask = { id: 'jm', commandLine, runExclusive: false, ...access };
    await client.job.add({ id: 'managed', poolInfo, jobManagerTask });
    await client.task.add('managed', { id: 'plain', commandLine: script });
    const token = await tokenOf('managed', 'jm');
    expect(await call(token, '/jobs/managed/tasks/plain')).toEqual([200, undefined]);
    expect(await tokenOf('managed', 'plain')).toBe('none');
    await client.job.deleteMethod('managed');
    await waitFor('the token to die', async () => (await call(token, '/jobs/managed'))[0] === 403);
  });
});
