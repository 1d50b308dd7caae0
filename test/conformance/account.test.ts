import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

describe('supported images', () => {
  const list = (filter?: string) =>
    client.account.listSupportedImages({
      accountListSupportedImagesOptions: { ...(filter !== undefined && { filter }) },
    });

  it('pair an image with its node agent SKU, as pools want them', async () => {
    const image = (await list()).find(
      ({ nodeAgentSKUId }) => nodeAgentSKUId === 'batch.node.process',
    );
    expect(image).toMatchObject({
      imageReference: PROCESS_POOL.virtualMachineConfiguration.imageReference,
      osType: 'linux',
      verificationType: 'verified',
    });
  });

  it('are filtered by system, verification and SKU', async () => {
    const count = async (filter: string) => (await list(filter)).length;
    const all = (await list()).length;
    expect(await count(`osType eq 'linux'`)).toBeGreaterThan(0);
    expect((await count(`osType eq 'Linux'`)) + (await count(`osType eq 'windows'`))).toBe(all);
    expect(await count(`nodeAgentSKUId eq 'batch.node.process'`)).toBe(1);
    expect(
      (await count(`verificationType eq 'verified'`)) +
        (await count(`verificationType ne 'verified'`)),
    ).toBe(all);
    await expect(list(`publisher eq 'x'`)).rejects.toMatchObject(
      refusal(400, 'InvalidQueryParameterValue'),
    );
  });
});

describe('node counts', () => {
  it('come ten pools a page unless more are asked for', async () => {
    for (let n = 0; n < 12; n += 1)
      await client.pool.add({ ...PROCESS_POOL, id: `pool${String(n).padStart(2, '0')}` });
    const page = await client.account.listPoolNodeCounts();
    expect(page).toHaveLength(10);
    const rest = await client.account.listPoolNodeCountsNext(page.odatanextLink ?? '');
    expect(rest.map(({ poolId }) => poolId)).toEqual(['pool10', 'pool11']);
    expect(rest.odatanextLink).toBeUndefined();
    // The client allows no more than ten.
    const all = await signedRequest(controller, 'GET', '/nodecounts?maxresults=12');
    expect(all.text.match(/"poolId"/g)).toHaveLength(12);
  });
});

describe('maxresults', () => {
  it.each([
    '/pools',
    '/jobs',
    '/jobschedules',
    '/certificates',
    '/supportedimages',
    '/nodecounts',
    '/applications',
  ])('of %s is a number from 1 to 1000', async (path) => {
    const ask = async (value: string) => {
      const answer = await signedRequest(controller, 'GET', `${path}?maxresults=${value}`);
      return [answer.status, answer.code];
    };
    const outside = [400, 'OutOfRangeQueryParameterValue'];
    const invalid = [400, 'InvalidQueryParameterValue'];
    expect(await ask('0')).toEqual(outside);
    expect(await ask('1001')).toEqual(outside);
    expect(await ask('-1')).toEqual(invalid);
    expect(await ask('ten')).toEqual(invalid);
    expect((await ask('1'))[0]).toBe(200);
    expect((await ask('1000'))[0]).toBe(200);
  });
});

describe('lists of jobs', () => {
  const list = async (options: object) =>
    (await client.job.list({ jobListOptions: options })).map(({ id }) => id);

  it('are ordered by id without case, and filtered by every property of the contract', async () => {
    for (const id of ['B', 'a', 'c'])
      await client.job.add({ id, poolInfo: { poolId: id === 'c' ? 'pool00' : 'nowhere' } });
    await client.job.terminate('c');
    await until.job('c', 'completed');
    const past = "DateTime'2020-01-01T00:00:00Z'";
    for (const [filter, ids] of [
      [`id ge 'a'`, ['a', 'B', 'c']],
      [`id eq 'b'`, ['B']],
      [`not (id eq 'b')`, ['a', 'c']],
      [`startswith(id,'b')`, ['B']],
      [`state eq 'completed'`, ['c']],
      [`state ne 'COMPLETED'`, ['a', 'B']],
      [`executionInfo/poolId eq 'pool00'`, ['c']],
      [`startswith(executionInfo/poolId,'no')`, ['a', 'B']],
      [`executionInfo/startTime gt ${past}`, ['a', 'B', 'c']],
      [`executionInfo/endTime gt ${past}`, ['c']],
      [`creationTime gt ${past} and lastModified gt ${past}`, ['a', 'B', 'c']],
      [`stateTransitionTime le ${past}`, []],
      [`creationTime gt datetime'2020-01-01'`, ['a', 'B', 'c']],
      [`id eq 'a' or id eq 'b' and state eq 'completed'`, ['a']],
      [`id eq 'it''s'`, []],
    ] as const)
      expect([filter, await list({ filter })]).toEqual([filter, ids]);
    for (const filter of [`priority eq 0`, `id eq 'a`, `(id eq 'a'`, `id eq 'a' and`, `ID eq 'a'`])
      await expect(list({ filter }), filter).rejects.toMatchObject(
        refusal(400, 'InvalidQueryParameterValue'),
      );
  });

  it('select top-level names only', async () => {
    const [job] = await client.job.list({ jobListOptions: { select: 'id,executionInfo' } });
    expect(job?.executionInfo?.startTime).toBeInstanceOf(Date);
    expect(job?.state).toBeUndefined();
    await expect(list({ select: 'nothing' })).rejects.toMatchObject({ statusCode: 400 });
    await expect(list({ expand: 'everything' })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('survive that jobs come and go between two pages', async () => {
    const page = await client.job.list({ jobListOptions: { maxResults: 1 } });
    await client.job.deleteMethod('a');
    await until.jobGone('a');
    await client.job.add({ id: 'bb', poolInfo: { poolId: 'nowhere' } });
    const rest = await client.job.listNext(page.odatanextLink ?? '');
    expect([page[0]?.id, rest[0]?.id]).toEqual(['a', 'B']);
  });
});

describe('lists of tasks', () => {
  it('are filtered by every property of the contract, selected and paged', async () => {
    await client.pool.resize('pool00', { targetDedicatedNodes: 1 });
    await client.job.add({ id: 'tasks', poolInfo: { poolId: 'pool00' } });
    await client.task.addCollection('tasks', [
      { id: '1', commandLine: '/bin/true' },
      { id: '02', commandLine: '/bin/false' },
      { id: 'x', commandLine: '/bin/true', requiredSlots: 2 },
    ]);
    await until.task('tasks', '1');
    await until.task('tasks', '02');
    const list = async (options: object) =>
      (await client.task.list('tasks', { taskListOptions: options })).map(({ id }) => id);
    const past = "DateTime'2020-01-01T00:00:00Z'";
    for (const [filter, ids] of [
      [`state eq 'completed'`, ['02', '1']],
      [`state eq 'active'`, ['x']],
      [`id gt '1'`, ['x']],
      [`startswith(id,'0')`, ['02']],
      [`executionInfo/exitCode eq 0`, ['1']],
      [`executionInfo/exitCode gt 0`, ['02']],
      [`executionInfo/result eq 'failure'`, ['02']],
      [`executionInfo/startTime gt ${past} and executionInfo/endTime gt ${past}`, ['02', '1']],
      [`creationTime gt ${past} and lastModifiedTime gt ${past}`, ['02', '1', 'x']],
      [`lastModified gt ${past} and stateTransitionTime gt ${past}`, ['02', '1', 'x']],
    ] as const)
      expect([filter, await list({ filter })]).toEqual([filter, ids]);
    const options = { maxResults: 2, select: 'id' };
    const page = await client.task.list('tasks', { taskListOptions: options });
    const rest = await client.task.listNext(page.odatanextLink ?? '');
    expect([...page, ...rest].map(({ id, state }) => [id, state])).toEqual([
      ['02', undefined],
      ['1', undefined],
      ['x', undefined],
    ]);
  });

  it('of files are filtered by the start of their names', async () => {
    const options = {
      recursive: true,
      fileListFromTaskOptions: { filter: "startswith(name,'std')" },
    };
    const files = await client.file.listFromTask('tasks', '1', options);
    expect(files.map(({ name }) => name).sort()).toEqual(['stderr.txt', 'stdout.txt']);
    expect(files[0]?.properties?.contentLength).toBe(0);
    const page = await client.file.listFromTask('tasks', '1', {
      fileListFromTaskOptions: { maxResults: 1 },
    });
    expect(page).toHaveLength(1);
    expect(page.odatanextLink).toContain('skiptoken');
  });
});
