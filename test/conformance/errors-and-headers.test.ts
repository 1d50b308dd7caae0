import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
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
});
