import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
beforeAll(async () => {
  controller = await startController();
});
afterAll(() => controller.stop());

const HOME =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/batchyard/providers/Microsoft.Batch/batchAccounts';
async function manage(path: string, body: object = {}) {
  const answer = await fetch(`${controller.url}${HOME}/${path}?api-version=2023-11-01`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${controller.adminToken}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { primary: string; secondary: string };
}
const works = (key: string) =>
  batchClient({ ...controller, key })
    .job.list()
    .then(
      () => true,
      ({ code }: { code?: string }) => code,
    );

describe('the keys of an account', () => {
  it('are both valid at once', async () => {
    const keys = await manage(`${controller.account}/listKeys`);
    expect(keys.primary).toBe(controller.key);
    expect([await works(keys.primary), await works(keys.secondary)]).toEqual([true, true]);
  });

  it('lose their right the moment they are made anew, each by itself', async () => {
    const before = await manage(`${controller.account}/listKeys`);
    const after = await manage(`${controller.account}/regenerateKeys`, { keyName: 'Secondary' });
    expect(after.secondary).not.toBe(before.secondary);
    expect(await works(before.secondary)).toBe('AuthenticationFailed');
    expect([await works(after.secondary), await works(after.primary)]).toEqual([true, true]);
  });
});

describe('a signature', () => {
  it('holds for a query in any order, with encoded values and odd characters', async () => {
    for (const query of [
      "$filter=id%20eq%20'a%2Bb'&maxresults=5",
      "maxresults=5&$filter=startswith(id,'x')",
      '$select=id,state',
      '$filter=',
    ]) {
      const { status } = await signedRequest(controller, 'GET', `/jobs?${query}`);
      expect([query, status]).toEqual([query, 200]);
    }
  });

  it('holds for the path as it was sent, encoded or not', async () => {
    for (const path of ['/jobs/a%3Ajob-1', '/jobs/a:job-1', '/jobs/%61'])
      expect([path, (await signedRequest(controller, 'GET', path)).code]).toEqual([
        path,
        'JobNotFound',
      ]);
  });

  it('covers conditions and range', async () => {
    const headers = { 'if-match': '"0x1"', 'ocp-range': 'bytes=0-1' };
    expect((await signedRequest(controller, 'GET', '/jobs/none', { headers })).status).toBe(404);
  });

  it('holds whether or not an empty length was signed', async () => {
    const headers = { 'content-length': '0' };
    const answer = await signedRequest(controller, 'POST', '/jobs/none/terminate', { headers });
    expect(answer.code).toBe('JobNotFound');
  });

  it('takes the account in any case', async () => {
    const account = controller.account.toUpperCase();
    const answer = await signedRequest({ ...controller, account }, 'GET', '/jobs');
    expect(answer.status).toBe(200);
  });

  it.each([
    ['nothing but a scheme', 'SharedKey'],
    ['no account', 'SharedKey abc'],
    ['an unknown scheme', 'Basic abc'],
    ['what is not base64', 'SharedKey testaccount:%%%'],
    ['no signature', 'SharedKey testaccount:'],
  ])('of %s is refused as malformed', async (_what, authorization) => {
    const answer = await signedRequest(controller, 'GET', '/jobs', { authorization });
    expect([answer.status, answer.code]).toEqual([400, 'InvalidAuthenticationInfo']);
  });

  it('without any date, or with one that is none, is refused', async () => {
    const nothing = { 'ocp-date': '' };
    const answer = await signedRequest(controller, 'GET', '/jobs', { headers: nothing });
    expect([answer.status, answer.code]).toEqual([403, 'AuthenticationFailed']);
    const wrong = { 'ocp-date': 'yesterday' };
    const other = await signedRequest(controller, 'GET', '/jobs', { headers: wrong });
    expect([other.status, other.code]).toEqual([403, 'AuthenticationFailed']);
  });

  it('may name its time in Date instead of ocp-date', async () => {
    const date = new Date().toUTCString();
    const url = '/jobs?api-version=2022-10-01.16.0';
    const text = `GET\n\n\n\n\n\n${date}\n\n\n\n\n\n/${controller.account}/jobs\napi-version:2022-10-01.16.0`;
    const signature = createHmac('sha256', Buffer.from(controller.key, 'base64'))
      .update(text, 'utf8')
      .digest('base64');
    const answer = await fetch(`${controller.url}${url}`, {
      headers: { date, authorization: `SharedKey ${controller.account}:${signature}` },
    });
    expect(answer.status).toBe(200);
  });

  it('of one operation does not open another', async () => {
    const options = { sendUrl: '/pools?api-version=2022-10-01.16.0' };
    expect((await signedRequest(controller, 'GET', '/jobs', options)).code).toBe(
      'AuthenticationFailed',
    );
  });

  it('is not needed twice: the same request may be sent again while its date is fresh', async () => {
    const date = new Date();
    const once = await signedRequest(controller, 'GET', '/jobs', { date });
    const again = await signedRequest(controller, 'GET', '/jobs', { date });
    expect([once.status, again.status]).toEqual([200, 200]);
  });
});

describe('every refusal', () => {
  it('carries the ids of the request, and echoes the client’s own on wish', async () => {
    const own = '00000000-1111-2222-3333-444444444444';
    const headers = { 'client-request-id': own, 'return-client-request-id': 'true' };
    const answer = await signedRequest(controller, 'GET', '/jobs/none', { headers });
    expect(answer.headers['client-request-id']).toBe(own);
    expect(answer.headers['request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.text).toContain(String(answer.headers['request-id']));
  });
});
