import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Account } from './data-plane.js';
import { call } from './retry.js';
import { ServiceError } from './refusal.js';
import type { Connection } from './settings.js';

const TIMEOUT_MS = 60_000;
const BODY_MAX = 64 * 1024 * 1024;
const path = (text: string) => text.split('/').map(encodeURIComponent).join('/');

/** The controller's own storage, a subset of Azure's Blob REST API, with the admin token. */
export function storage(connection: Connection, { accountName }: Account) {
  const { endpoint } = connection;
  const root = (container: string) =>
    `${endpoint}/storage/${encodeURIComponent(accountName)}/${encodeURIComponent(container)}`;
  const ask = (method: string, url: string, allowed: readonly number[], body?: Uint8Array) =>
    call(`${method} ${new URL(url).pathname}`, endpoint, () =>
      send(connection, method, url, allowed, body),
    );
  return {
    createContainer: async (container: string) => {
      const { status } = await ask('PUT', `${root(container)}?restype=container`, [201, 409]);
      return status === 201;
    },
    deleteContainer: async (container: string) => {
      await ask('DELETE', `${root(container)}?restype=container`, [202]);
    },
    put: async (container: string, blob: string, content: Uint8Array) => {
      await ask('PUT', `${root(container)}/${path(blob)}`, [201], content);
    },
    delete: async (container: string, blob: string) => {
      await ask('DELETE', `${root(container)}/${path(blob)}`, [202, 404]);
    },
    list: async (container: string) => {
      const found: { name: string; bytes: number }[] = [];
      for (let marker = ''; ;) {
        const query = marker === '' ? '' : `&marker=${encodeURIComponent(marker)}`;
        const { body } = await ask(
          'GET',
          `${root(container)}?restype=container&comp=list${query}`,
          [200],
        );
        for (const [, blob = ''] of body.matchAll(/<Blob>(.*?)<\/Blob>/gs))
          found.push({
            name: element(blob, 'Name'),
            bytes: Number(element(blob, 'Content-Length')),
          });
        marker = element(body, 'NextMarker');
        if (marker === '') return found;
      }
    },
  };
}

/** To an address that is signed already: it gets no token of ours, and trusts the authority of the controller only there. */
export async function putSigned(
  { endpoint, ca }: Connection,
  url: string,
  content: Uint8Array,
): Promise<void> {
  const own = new URL(url).origin === new URL(endpoint).origin;
  const bare = { endpoint, adminToken: undefined, accountKey: undefined, ca: own ? ca : undefined };
  await call(`PUT ${new URL(url).pathname}`, endpoint, () =>
    send(bare, 'PUT', url, [200, 201], content),
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};
const unescape = (text: string) =>
  text.replace(
    /&(?:(lt|gt|quot|apos|amp)|#(\d+)|#x([0-9a-f]+));/gi,
    (_, name?: string, decimal?: string, hex?: string) =>
      name !== undefined
        ? (ENTITIES[name] ?? '')
        : String.fromCodePoint(hex !== undefined ? parseInt(hex, 16) : Number(decimal)),
  );

/** Text of the first element of this name, '' where there is none. */
function element(xml: string, name: string): string {
  return unescape(new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '');
}

/** One request; any other status than those `allowed` rejects with the service's own code and words. */
export function send(
  { adminToken, ca }: Connection,
  method: string,
  url: string,
  allowed: readonly number[],
  content?: Uint8Array,
  contentType = 'application/octet-stream',
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = deferred<{ status: number; body: string }>();
  const start = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = start(url, {
    method,
    timeout: TIMEOUT_MS,
    ...(ca !== undefined && { ca }),
    headers: {
      'x-ms-version': '2021-08-06',
      'content-length': content?.byteLength ?? 0,
      ...(content !== undefined && {
        'x-ms-blob-type': 'BlockBlob',
        'content-type': contentType,
      }),
      ...(adminToken !== undefined && { authorization: `Bearer ${adminToken}` }),
    },
  });
  request.on('timeout', () =>
    request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
  );
  request.on('error', reject);
  request.on('response', (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
      if (body.length > BODY_MAX) response.destroy(new Error('the answer is too long'));
    });
    response.on('error', reject);
    response.on('end', () => {
      const status = response.statusCode ?? 0;
      if (allowed.includes(status)) return resolve({ status, body });
      const told = /json/.test(response.headers['content-type'] ?? '')
        ? jsonError(body)
        : undefined;
      const code =
        told?.code ?? String(response.headers['x-ms-error-code'] ?? element(body, 'Code'));
      const message = told?.message ?? element(body, 'Message').split('\n')[0] ?? '';
      const asked = `${method} ${new URL(url).pathname}`;
      reject(new ServiceError(status, code, `${asked}: ${status} ${code}: ${message}`));
    });
  });
  request.end(content);
  return promise;
}

/** The management plane's `{error: {code, message}}`. */
function jsonError(body: string): { code: string; message: string } | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    return error === undefined
      ? undefined
      : { code: String(error.code), message: String(error.message) };
  } catch {
    // A page of something in between: the status has to do.
    return undefined;
  }
}

function deferred<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
