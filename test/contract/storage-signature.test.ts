import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiskStore } from '../../controller/effects/objects/disk/disk-store.js';
import { signedQuery, textToSign } from '../../controller/effects/objects/signed-url.js';
import { storageEndpoints } from '../../controller/http/storage/endpoints.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const START = Date.UTC(2030, 0, 1);
const sign = (text: string) => createHmac('sha256', 'secret').update(text).digest('base64url');

describe("signed URLs of the controller's own storage", () => {
  const folder = tempDirectory('signature');
  let now = START;
  let server: Server;
  beforeAll(async () => {
    const blobs = await DiskStore.open(folder.path);
    await blobs.createContainer('account', 'box');
    const settings = { contentType: 'text/plain', metadata: {} };
    for (const blob of ['a', 'b']) {
      const name = { account: 'account', container: 'box', blob };
      await blobs.put(name, Readable.from([Buffer.from(blob)]), settings, { bytesMax: 10 });
    }
    const app = new Koa();
    app.use(
      storageEndpoints({
        blobs,
        accountExists: () => true,
        isAdminToken: () => false,
        isSignature: (terms, signature) => sign(textToSign(terms)) === signature,
        now: () => now,
        blobBytesMax: 1024,
      }),
    );
    const handle = app.callback();
    server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    }).listen(0, '127.0.0.1');
    await waitFor('the server to listen', () => server.listening);
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });
  const at = (path: string, query: string) => {
    const { port } = server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}/storage/account/${path}${path.includes('?') ? '&' : '?'}${query}`;
  };
  const terms = (lifetimeMs: number, permissions: string, blob?: string) => ({
    account: 'account',
    container: 'box',
    permissions,
    expiry: new Date(START + lifetimeMs).toISOString(),
    ...(blob === undefined ? {} : { blob }),
  });
  const statusOf = async (url: string, method = 'GET') => (await fetch(url, { method })).status;

  it('expire to the millisecond', async () => {
    const url = at('box/a', signedQuery(terms(1_000, 'r', 'a'), sign));
    now = START + 999;
    expect(await (await fetch(url)).text()).toBe('a');
    now = START + 1_000;
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get('x-ms-error-code')]).toEqual([
      403,
      'AuthenticationFailed',
    ]);
    now = START;
    const longer = url.replace(/se=[^&]*/, `se=${new Date(START + 9_000).toISOString()}`);
    expect(await statusOf(longer)).toBe(403);
  });

  it('permit what they name and nothing else', async () => {
    now = START;
    const one = signedQuery(terms(1_000, 'r', 'a'), sign);
    const all = signedQuery(terms(1_000, 'rl'), sign);
    expect(await statusOf(at('box/b', one))).toBe(403);
    expect(await statusOf(at('box/a', one), 'PUT')).toBe(403);
    expect(await statusOf(at('box/a', one), 'DELETE')).toBe(403);
    expect(await statusOf(at('box/b', all))).toBe(200);
    expect(await statusOf(at('box?restype=container&comp=list', all))).toBe(200);
    expect(await statusOf(at('box?restype=container&comp=list', one))).toBe(403);
    expect(await statusOf(at('box?restype=container', all), 'DELETE')).toBe(403);
  });
});
