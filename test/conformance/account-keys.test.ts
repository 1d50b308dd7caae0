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

describe('SharedKeyLite', () => {
  const lite = (method: string, path: string, options: RequestOptions = {}) =>
    signedRequest(controller, method, path, { scheme: 'SharedKeyLite', ...options });

  it('signs reads and writes', async () => {
    const body = JSON.stringify({ id: 'lite', poolInfo: { poolId: 'nowhere' } });
    expect((await lite('POST', '/jobs', { body })).status).toBe(201);
    expect((await lite('GET', '/jobs?$filter=id%20eq%20%27lite%27')).status).toBe(200);
    expect((await lite('DELETE', '/jobs/lite', { headers: { 'if-match': '*' } })).status).toBe(202);
  });

  it('is refused when the path or the query was changed after signing', async () => {
    const version = 'api-version=2022-10-01.16.0';
    for (const sendUrl of [`/jobs?${version}`, `/pools?maxresults=5&${version}`])
      expect((await lite('GET', '/pools', { sendUrl })).code).toBe('AuthenticationFailed');
  });

  it('is refused with another key, and with a signature that is none', async () => {
    const other = { ...controller, key: Buffer.alloc(64, 7).toString('base64') };
    const answer = await signedRequest(other, 'GET', '/pools', { scheme: 'SharedKeyLite' });
    expect([answer.status, answer.code]).toEqual([403, 'AuthenticationFailed']);
    const wrong = await lite('GET', '/pools', {
      authorization: `SharedKeyLite ${controller.account}:AAAA`,
    });
    expect([wrong.status, wrong.code]).toEqual([403, 'AuthenticationFailed']);
  });
});

describe('the two keys of an account', () => {
  const home = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/batchyard';
  const management = async (action: string, body: object) => {
    const account = `${home}/providers/Microsoft.Batch/batchAccounts/${controller.account}`;
    const answer = await fetch(`${controller.url}${account}/${action}?api-version=2024-02-01`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${controller.adminToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
    return (await answer.json()) as { primary: string; secondary: string };
  };

  it('are renewed in turn while clients run, and no request with a valid key is refused', async () => {
    let keys = await management('listKeys', {});
    let inUse = keys.primary;
    const run = { on: true, answered: 0, refused: [] as string[] };
    const client = async () => {
      while (run.on) {
        const key = inUse;
        try {
          await batchClient({ ...controller, key }).job.list();
          run.answered += 1;
        } catch (error) {
          run.refused.push(String(error));
        }
      }
    };
    const clients = [client(), client(), client()];
    /** Every client has begun a request since, so none uses a key of before. */
    const settled = async () => {
      const until = run.answered + 2 * clients.length;
      while (run.answered < until && run.refused.length === 0)
        await new Promise((resolve) => setImmediate(resolve));
    };
    for (const keyName of ['Secondary', 'Primary', 'Secondary', 'Primary']) {
      const other = keyName === 'Primary' ? 'secondary' : 'primary';
      inUse = keys[other];
      await settled();
      const old = keyName === 'Primary' ? keys.primary : keys.secondary;
      keys = await management('regenerateKeys', { keyName });
      expect(keys[other]).toBe(inUse);
      const stale = await signedRequest({ ...controller, key: old }, 'GET', '/jobs');
      expect([stale.status, stale.code]).toEqual([403, 'AuthenticationFailed']);
    }
    run.on = false;
    await Promise.all(clients);
    expect(run.refused).toEqual([]);
    for (const key of [keys.primary, keys.secondary])
      expect((await signedRequest({ ...controller, key }, 'GET', '/jobs')).status).toBe(200);
  });
});
