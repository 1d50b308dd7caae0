import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

const HOUR_MS = 3_600_000;

let controller: StartedController;
let client: BatchServiceClient;
/** Of both views of the same file. */
let paths: string[];
let modified: Date;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add({ id: 'p', ...PROCESS_POOL, targetDedicatedNodes: 1 });
  await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
  await client.task.add('j', { id: 't', commandLine: sh('echo content') });
  const { nodeInfo } = await waits(client).task('j', 't');
  const directory = nodeInfo?.taskRootDirectory ?? '';
  paths = [
    '/jobs/j/tasks/t/files/stdout.txt',
    `/pools/p/nodes/${nodeInfo?.nodeId ?? ''}/files/${directory}/stdout.txt`,
  ];
  const found = await client.file.getPropertiesFromTask('j', 't', 'stdout.txt');
  modified = found.lastModified ?? new Date(NaN);
});
afterAll(() => controller.stop());

const at = (offsetMs: number) => new Date(modified.getTime() + offsetMs).toUTCString();

describe('reads of a file, from its task and from its node', () => {
  it('are answered only if it changed since, or did not', async () => {
    const cases: [string, string, number][] = [
      ['if-modified-since', at(-HOUR_MS), 200],
      ['if-modified-since', at(0), 304],
      ['if-modified-since', at(HOUR_MS), 304],
      ['if-unmodified-since', at(-HOUR_MS), 412],
      ['if-unmodified-since', at(0), 200],
      ['if-unmodified-since', at(HOUR_MS), 200],
    ];
    for (const path of paths)
      for (const method of ['GET', 'HEAD'])
        for (const [header, date, expected] of cases) {
          const answer = await signedRequest(controller, method, path, {
            headers: { [header]: date },
          });
          const name = `${method} ${path} ${header} ${date}`;
          expect([name, answer.status]).toEqual([name, expected]);
          const text = method === 'GET' && expected === 200 ? 'content\n' : '';
          if (expected !== 412) expect([name, answer.text]).toEqual([name, text]);
          if (expected === 412 && method === 'GET') expect(answer.code).toBe('ConditionNotMet');
          if (expected !== 412)
            expect(answer.headers['last-modified']).toBe(modified.toUTCString());
        }
  });

  it('answer a range under a condition', async () => {
    for (const path of paths) {
      const headers = { 'ocp-range': 'bytes=3-6', 'if-modified-since': at(-HOUR_MS) };
      const { status, text } = await signedRequest(controller, 'GET', path, { headers });
      expect([status, text]).toEqual([200, 'tent']);
    }
  });

  it('refuse a date that is none, and know no ETags', async () => {
    for (const path of paths) {
      const wrong = { headers: { 'if-modified-since': 'yesterday' } };
      expect((await signedRequest(controller, 'GET', path, wrong)).code).toBe('InvalidHeaderValue');
      const tagged = { headers: { 'if-none-match': '*' } };
      expect((await signedRequest(controller, 'GET', path, tagged)).status).toBe(200);
    }
  });

  it('are conditional in the official client, which takes 304 and 412 for refusals', async () => {
    const since = { ifModifiedSince: new Date(modified.getTime() + HOUR_MS) };
    const before = { ifUnmodifiedSince: new Date(modified.getTime() - HOUR_MS) };
    await expect(
      client.file.getFromTask('j', 't', 'stdout.txt', { fileGetFromTaskOptions: since }),
    ).rejects.toMatchObject({ statusCode: 304 });
    await expect(
      client.file.getPropertiesFromTask('j', 't', 'stdout.txt', {
        fileGetPropertiesFromTaskOptions: before,
      }),
    ).rejects.toMatchObject({ statusCode: 412 });
  });
});
