import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { stringToSign } from '../../controller/http/shared-key.js';
import type { Scheme } from '../../controller/http/shared-key.js';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The error code of the data plane, where the body has one. */
  code: string | undefined;
}

export interface RequestOptions {
  body?: string | Buffer;
  headers?: Record<string, string>;
  /** Replaces the signature. */
  authorization?: string | undefined;
  /** Path and query that are sent instead of the signed ones. */
  sendUrl?: string;
  date?: Date;
  /** Another api-version than today's. */
  version?: string;
  /** SharedKey unless said otherwise. */
  scheme?: Scheme;
  /** Given up with an error when the whole answer is not there by then. */
  withinMs?: number;
  /** Of a 200 only the head is awaited: its body is a stream that may never end. */
  headOnly?: boolean;
}

/** A request as no client library would send it, signed with the account's key. */
export async function signedRequest(
  controller: { url: string; account: string; key: string },
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const url = `${path}${path.includes('?') ? '&' : '?'}api-version=${options.version ?? '2022-10-01.16.0'}`;
  const headers: Record<string, string> = {
    'ocp-date': (options.date ?? new Date()).toUTCString(),
    ...options.headers,
  };
  if (options.body !== undefined) {
    headers['content-type'] ??= 'application/json; odata=minimalmetadata; charset=utf-8';
    headers['content-length'] = String(Buffer.byteLength(options.body));
  }
  const scheme = options.scheme ?? 'SharedKey';
  const text = stringToSign({ method, url, headers }, controller.account, scheme);
  const key = Buffer.from(controller.key, 'base64');
  const signature = createHmac('sha256', key).update(text, 'utf8').digest('base64');
  const signed = `${scheme} ${controller.account}:${signature}`;
  const authorization = 'authorization' in options ? options.authorization : signed;
  const all: OutgoingHttpHeaders = {
    ...headers,
    ...(authorization !== undefined && { authorization }),
  };
  return send(controller.url, method, options.sendUrl ?? url, all, options);
}

function send(
  base: string,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders,
  { body, withinMs, headOnly }: RequestOptions,
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const late = new Error(`no reply within ${String(withinMs)} ms`);
    const timer =
      withinMs === undefined ? undefined : setTimeout(() => sent.destroy(late), withinMs);
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      if (headOnly === true && response.statusCode === 200) {
        resolve({ status: 200, headers: response.headers, text: '', code: undefined });
        sent.destroy();
        return;
      }
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        const code = /^\{.*"code":"(\w+)"/s.exec(text)?.[1];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, code });
      });
    });
    sent.on('error', reject);
    sent.on('close', () => {
      clearTimeout(timer);
    });
    sent.end(body);
  });
}
