import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import type { RequestOptions } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
beforeAll(async () => {
  controller = await startController();
});
afterAll(() => controller.stop());

const get = (options: RequestOptions = {}) => signedRequest(controller, 'GET', '/pools', options);

describe('a request to the data plane', () => {
  it('is answered when the official client signed it', async () => {
    expect(await batchClient(controller).pool.list()).toHaveLength(0);
  });

  it('is refused with AuthenticationFailed when its key is wrong', async () => {
    const key = Buffer.alloc(64, 1).toString('base64');
    await expect(batchClient({ ...controller, key }).pool.list()).rejects.toMatchObject({
      statusCode: 403,
      code: 'AuthenticationFailed',
    });
  });

  it('is refused in the same way when its account does not exist', async () => {
    const nobody = batchClient({ ...controller, account: 'nobody' });
    await expect(nobody.pool.list()).rejects.toMatchObject({
      statusCode: 403,
      code: 'AuthenticationFailed',
    });
  });

  it('is refused when it carries no Authorization, and the error names the header', async () => {
    const answer = await get({ authorization: undefined });
    expect([answer.status, answer.code]).toEqual([400, 'MissingRequiredHeader']);
    expect(JSON.parse(answer.text)).toMatchObject({
      values: [{ key: 'HeaderName', value: 'Authorization' }],
    });
  });

  it.each(['SharedKey nonsense', 'Basic YTpi', 'SharedKey a:b:c'])(
    'is refused with InvalidAuthenticationInfo for %s',
    async (authorization) => {
      const answer = await get({ authorization });
      expect([answer.status, answer.code]).toEqual([400, 'InvalidAuthenticationInfo']);
    },
  );

  it('is refused for a bearer token that is not a task’s', async () => {
    for (const token of ['x', controller.adminToken]) {
      const answer = await get({ authorization: `Bearer ${token}` });
      expect([answer.status, answer.code]).toEqual([403, 'AuthenticationFailed']);
    }
  });

  it('is refused when its date is 16 minutes off, and taken at 14', async () => {
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    for (const minutes of [-16, 16]) {
      const answer = await get({ date: at(minutes) });
      expect([answer.status, answer.code]).toEqual([403, 'AuthenticationFailed']);
    }
    for (const minutes of [-14, 14]) expect((await get({ date: at(minutes) })).status).toBe(200);
  });

  it('is refused when its query was changed after signing', async () => {
    const sendUrl = '/pools?api-version=2022-10-01.16.0&maxresults=5';
    expect((await get({ sendUrl })).code).toBe('AuthenticationFailed');
  });

  it('has its body read only after authentication', async () => {
    const body = '{"broken';
    const bad = { body, authorization: 'SharedKey testaccount:AAAA' };
    const first = await signedRequest(controller, 'POST', '/pools', bad);
    expect(first.code).toBe('AuthenticationFailed');
    const second = await signedRequest(controller, 'POST', '/pools', { body });
    expect([second.status, second.code]).toEqual([400, 'InvalidRequestBody']);
  });

  it('leaves no signature and no key in the log', async () => {
    await get({ authorization: 'SharedKey testaccount:c2VjcmV0c2lnbmF0dXJl' });
    expect(controller.logs()).not.toContain('c2VjcmV0c2lnbmF0dXJl');
    expect(controller.logs()).not.toContain(controller.key);
  });
});

describe('health', () => {
  it('is told without credentials', async () => {
    const answer = await fetch(`${controller.url}/healthz`);
    expect(await answer.json()).toEqual({ status: 'ok' });
  });
});
