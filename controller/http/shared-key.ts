import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { queryPairs } from './query-string.js';

/** What of a request is signed: everything exactly as it came. */
export interface SignedRequest {
  method: string;
  /** Path and query as in the request line, still percent-encoded. */
  url: string;
  headers: IncomingHttpHeaders;
}

export type Scheme = 'SharedKey' | 'SharedKeyLite';

const STANDARD = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
] as const;
const LITE = ['content-md5', 'content-type', 'date'] as const;

const header = (headers: IncomingHttpHeaders, name: string): string => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
};

function canonicalHeaders(headers: IncomingHttpHeaders): string {
  return Object.keys(headers)
    .filter((name) => name.startsWith('ocp-'))
    .sort()
    .map((name) => `${name}:${header(headers, name)}\n`)
    .join('');
}

function canonicalResource(account: string, url: string): string {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const values = new Map<string, string[]>();
  for (const [name, value] of queryPairs(at < 0 ? '' : url.slice(at + 1))) {
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const parameters = [...values.keys()]
    .sort()
    .map((name) => `\n${name}:${(values.get(name) ?? []).sort().join(',')}`);
  return `/${account}${path}${parameters.join('')}`;
}

/** The text that a client signs (the contract's section 1.2), with this Content-Length. */
export function stringToSign(
  request: SignedRequest,
  account: string,
  scheme: Scheme,
  contentLength = header(request.headers, 'content-length'),
): string {
  const names = scheme === 'SharedKey' ? STANDARD : LITE;
  const standard = names.map((name) =>
    name === 'content-length' ? contentLength : header(request.headers, name),
  );
  return (
    `${[request.method, ...standard].join('\n')}\n` +
    canonicalHeaders(request.headers) +
    canonicalResource(account, request.url)
  );
}

const signatureOf = (text: string, key: Buffer): Buffer =>
  createHmac('sha256', key).update(text, 'utf8').digest();

/**
 * Whether one of the account's keys made this signature. Takes the same time whatever is wrong.
 * A proxy may drop or add `Content-Length: 0`, so both readings of "no body" count.
 */
export function isSignedBy(
  keys: readonly Buffer[],
  request: SignedRequest,
  account: string,
  scheme: Scheme,
  signature: Buffer,
): boolean {
  const length = header(request.headers, 'content-length');
  const lengths = length === '' || length === '0' ? [length, length === '' ? '0' : ''] : [length];
  let signed = false;
  for (const contentLength of lengths) {
    const text = stringToSign(request, account, scheme, contentLength);
    for (const key of keys) {
      const expected = signatureOf(text, key);
      if (expected.length === signature.length && timingSafeEqual(expected, signature))
        signed = true;
    }
    if (signed) return true;
  }
  return signed;
}
