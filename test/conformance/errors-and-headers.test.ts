import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operations } from '../../protocol/batch/operations.js';
import type { Operation } from '../../protocol/batch/operations.js';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let controller: StartedController;
beforeAll(async () => {
  controller = await startController();
});
afterAll(() => controller.stop());

describe('an error', () => {
  it('has the service’s body, naming the request and the time', async () => {
    const answer = await signedRequest(controller, 'GET', '/pools/none');
    const id = String(answer.headers['request-id']);
    expect(id).toMatch(GUID);
    expect(answer.headers['content-type']).toBe('application/json;odata=minimalmetadata');
    const body = JSON.parse(answer.text) as { message: { lang: string; value: string } };
    expect(body).toMatchObject({ code: 'PoolNotFound', message: { lang: 'en-US' } });
    expect(body.message.value).toContain(`\nRequestId:${id}\nTime:`);
  });

  it('has no body for HEAD', async () => {
    const answer = await signedRequest(controller, 'HEAD', '/pools/none');
    expect([answer.status, answer.text]).toEqual([404, '']);
  });

  it('names the property, its value and the reason', async () => {
    const body = JSON.stringify({ id: 'j', poolInfo: { poolId: 'p' }, onTaskFailure: 'explode' });
    const answer = await signedRequest(controller, 'POST', '/jobs', { body });
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'InvalidPropertyValue',
      values: [
        { key: 'PropertyName', value: 'onTaskFailure' },
        { key: 'PropertyValue', value: 'explode' },
        { key: 'Reason' },
      ],
    });
  });

  it.each(['maxresults=x', '$expand=all', '$filter=id', '$select=none', '$skiptoken=x'])(
    'says in one sentence what is wrong with the query %s',
    async (query) => {
      const { code, text } = await signedRequest(controller, 'GET', `/jobs?${query}`);
      expect(code).toBe('InvalidQueryParameterValue');
      const { message } = JSON.parse(text) as { message: { value: string } };
      expect(message.value).toMatch(/^The value of the query parameter .*[^.]\.\nRequestId:/);
    },
  );
});

describe('api-version', () => {
  it('is required and must be a known one', async () => {
    const sent = (sendUrl: string) => signedRequest(controller, 'GET', '/pools', { sendUrl });
    expect((await sent('/pools')).code).toBe('MissingRequiredQueryParameter');
    expect((await sent('/pools?api-version=1999-01-01.0.0')).code).toBe(
      'UnsupportedRequestVersion',
    );
  });
});

describe('conditional headers', () => {
  it('decide about reads: 304 or 412, and refuse pairs that the service does not take', async () => {
    const client = batchClient(controller);
    await client.job.add({ id: 'conditions', poolInfo: { poolId: 'none' } });
    const read = (headers: Record<string, string>) =>
      signedRequest(controller, 'GET', '/jobs/conditions', { headers });
    const etag = String((await read({})).headers['etag']);
    expect(etag).toMatch(/^0x[0-9A-F]+$/);
    const unchanged = await read({ 'if-none-match': `"${etag}"` });
    expect([unchanged.status, unchanged.text]).toEqual([304, '']);
    expect((await read({ 'if-match': '"0x1"' })).status).toBe(412);
    expect((await read({ 'if-match': '*' })).status).toBe(200);
    expect((await read({ 'if-match': etag, 'if-none-match': etag })).code).toBe(
      'MultipleConditionHeadersNotSupported',
    );
    expect((await read({ 'if-modified-since': 'yesterday' })).code).toBe('InvalidHeaderValue');
  });
});

describe('conditions of every operation that takes them', () => {
  const bodies: Record<string, object> = {
    Pool_Resize: { targetDedicatedNodes: 0 },
    Pool_RemoveNodes: { nodeList: ['none'] },
    Pool_EnableAutoScale: { autoScaleFormula: '$TargetDedicatedNodes=0' },
    Pool_UpgradeOS: { targetOSVersion: '1' },
    Job_Update: { poolInfo: { poolId: 'held' } },
    Job_Disable: { disableTasks: 'wait' },
    JobSchedule_Update: { schedule: {}, jobSpecification: { poolInfo: { poolId: 'held' } } },
    Task_Update: {},
  };
  const conditional = (operations as readonly Operation[]).filter(
    ({ id, conditions, extension }) =>
      conditions === true && extension !== true && !id.startsWith('File_'),
  );
  beforeAll(async () => {
    const client = batchClient(controller);
    const { virtualMachineConfiguration, vmSize } = PROCESS_POOL;
    await client.pool.add({ id: 'held', vmSize, virtualMachineConfiguration });
    await client.job.add({ id: 'held', poolInfo: { poolId: 'held' } });
    await client.task.add('held', { id: 'held', commandLine: '/bin/true' });
    await client.jobSchedule.add({
      id: 'later',
      schedule: { doNotRunUntil: new Date(Date.now() + 86_400_000) },
      jobSpecification: { poolInfo: { poolId: 'held' } },
    });
    await waits(client).steady('held');
  });

  it.each(conditional.map((operation) => [operation.id, operation] as const))(
    '%s: nothing happens where one is not met',
    async (_, operation) => {
      const { id, method, until } = operation;
      const path = operation.path
        .replace(/\{jobScheduleId\}/g, 'later')
        .replace(/\{\w+\}/g, 'held');
      const entity = path.replace(/(\/(pools|jobs|jobschedules|tasks)\/[^/]+)\/[a-z]+$/, '$1');
      const etagNow = async () =>
        String((await signedRequest(controller, 'GET', entity)).headers['etag']);
      const etag = await etagNow();
      const isRead = method === 'GET' || method === 'HEAD';
      const unmet: [header: string, value: string, status: number][] = [
        ['if-match', '"0x1"', 412],
        ['if-unmodified-since', new Date(0).toUTCString(), 412],
        ['if-none-match', etag, isRead ? 304 : 412],
        ['if-modified-since', new Date(Date.now() + 60_000).toUTCString(), isRead ? 304 : 412],
      ];
      const body = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : '{}';
      for (const [header, value, status] of unmet) {
        const answer = await signedRequest(controller, method, path, {
          headers: { [header]: value },
          ...(body === undefined ? {} : { body: JSON.stringify(bodies[id] ?? {}) }),
          ...(until === undefined ? {} : { version: '2018-08-01.7.0' }),
        });
        expect([id, header, answer.status]).toEqual([id, header, status]);
        if (status === 412 && method !== 'HEAD') expect(answer.code).toBe('ConditionNotMet');
      }
      expect(await etagNow()).toBe(etag);
    },
  );
});

describe('paging', () => {
  it('gives every job once, by links that the client follows as they are', async () => {
    const client = batchClient(controller);
    for (const n of [1, 2, 3, 4, 5])
      await client.job.add({ id: `page-${n}`, poolInfo: { poolId: 'x' } });
    const filter = "startswith(id,'page-')";
    const ids: (string | undefined)[] = [];
    let page = await client.job.list({ jobListOptions: { filter, maxResults: 2 } });
    ids.push(...page.map(({ id }) => id));
    while (page.odatanextLink !== undefined) {
      page = await client.job.listNext(page.odatanextLink);
      ids.push(...page.map(({ id }) => id));
    }
    expect(ids).toEqual(['page-1', 'page-2', 'page-3', 'page-4', 'page-5']);
  });

  it('gives what stays once, whatever is added and deleted between the pages', async () => {
    const client = batchClient(controller);
    await client.job.add({ id: 'turning', poolInfo: { poolId: 'x' } });
    const name = (n: number) => `t${String(n).padStart(3, '0')}`;
    const every = Array.from({ length: 60 }, (_, n) => n * 10);
    await client.task.addCollection(
      'turning',
      every.map((n) => ({ id: name(n), commandLine: '/bin/true' })),
    );
    const seen: (string | undefined)[] = [];
    const gone = new Set<string>();
    let page = await client.task.list('turning', { taskListOptions: { maxResults: 7 } });
    for (let round = 0; ; round += 1) {
      seen.push(...page.map(({ id }) => id));
      if (page.odatanextLink === undefined) break;
      // Behind and before where the page ended, and the very task that it ended with.
      await client.task.add('turning', { id: name(1 + round), commandLine: '/bin/true' });
      await client.task.add('turning', { id: name(501 + round), commandLine: '/bin/true' });
      for (const id of [seen.at(-1) ?? '', name(590 - round * 10)]) {
        if (gone.has(id)) continue;
        gone.add(id);
        await client.task.deleteMethod('turning', id);
      }
      page = await client.task.listNext(page.odatanextLink);
    }
    expect(seen).toEqual([...new Set(seen)].sort());
    const stayed = every.map(name).filter((id) => !gone.has(id));
    expect(seen).toEqual(expect.arrayContaining(stayed));
  });
});
