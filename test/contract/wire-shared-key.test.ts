import { describe, expect, it } from 'vitest';
import { isSignedBy, stringToSign } from '../../controller/http/shared-key.js';

const KEY = Buffer.alloc(64, 7);
const OTHER = Buffer.alloc(64, 8);
const VERSION = 'api-version=2022-10-01.16.0';
const DATE = 'Fri, 02 Jan 2026 03:04:05 GMT';
const JSON_TYPE = 'application/json; charset=utf-8';
const ODATA_TYPE = 'application/json; odata=minimalmetadata; charset=utf-8';

interface Vector {
  what: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  signature: string;
}

/** Signed by the client's own code (@azure/batch 10.2.0) for the account `myaccount` and KEY at DATE. */
const vectors: Vector[] = [
  {
    what: 'a list with a filter',
    method: 'GET',
    url: `/pools?${VERSION}&$filter=startswith(id%2C'a%20b')&maxresults=10`,
    headers: { 'content-type': JSON_TYPE },
    signature: 'xYWT5LHIY1tO+eOwaIImGoRL7k3W43pr0TjJkAUQlHU=',
  },
  {
    what: 'a patch with a body and If-Match',
    method: 'PATCH',
    url: `/pools/p?${VERSION}`,
    headers: { 'content-type': ODATA_TYPE, 'content-length': '15', 'if-match': '"0x8D"' },
    signature: 'fh/jqZqprtm9+MtYlFnsKGGlknGK+8ElPGmtiXniAFs=',
  },
  {
    what: 'an action without a body, which signs a length of 0',
    method: 'POST',
    url: `/jobs/j/terminate?${VERSION}`,
    headers: { 'content-type': ODATA_TYPE, 'content-length': '0' },
    signature: 'AF/ZSeDMc5JKr4tRUD8yjFkIpAuF7HiqQXNG+n3+hkU=',
  },
  {
    what: 'the same behind a proxy that drops Content-Length: 0',
    method: 'POST',
    url: `/jobs/j/terminate?${VERSION}`,
    headers: { 'content-type': ODATA_TYPE },
    signature: 'AF/ZSeDMc5JKr4tRUD8yjFkIpAuF7HiqQXNG+n3+hkU=',
  },
  {
    what: 'a delete',
    method: 'DELETE',
    url: `/pools/p?${VERSION}`,
    headers: { 'content-type': JSON_TYPE },
    signature: 'BO6AVTSt5jxr7s35dpwUQhT2TgSOj4qN/TCGK1ygLrs=',
  },
  {
    what: 'a part of a file whose path is percent-encoded',
    method: 'GET',
    url: `/jobs/j/tasks/t/files/wd%2Fa%20b%2Bc%25d.txt?${VERSION}`,
    headers: {
      'content-type': JSON_TYPE,
      'ocp-range': 'bytes=0-3',
      'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT',
    },
    signature: '5OYU8LSodjMQdQBGhoYUZYJj4HMNQcUpHrpiEMavPjE=',
  },
  {
    what: 'a certificate, whose path holds parentheses',
    method: 'GET',
    url: `/certificates(thumbprintAlgorithm=sha1,thumbprint=abcd)?${VERSION}`,
    headers: { 'content-type': JSON_TYPE },
    signature: 'PQSiimllORwfTbBs4vSMYki9CfDgc5ZzkiRqhyIUe3g=',
  },
  {
    what: 'HEAD',
    method: 'HEAD',
    url: `/pools/p?${VERSION}`,
    headers: { 'content-type': JSON_TYPE },
    signature: 'PQa1ZZPH9OjDDuHzEeK3Wpne1UwtvAUxD3bCB+DyT6c=',
  },
];

const signed = (vector: Vector, keys = [KEY], account = 'myaccount') =>
  isSignedBy(
    keys,
    { ...vector, headers: { ...vector.headers, 'ocp-date': DATE } },
    account,
    'SharedKey',
    Buffer.from(vector.signature, 'base64'),
  );

describe('SharedKey', () => {
  it.each(vectors)('knows the official client’s signature of $what', (vector) => {
    expect(signed(vector)).toBe(true);
  });

  it('accepts either key of an account and no other', () => {
    for (const vector of vectors) {
      expect(signed(vector, [OTHER, KEY])).toBe(true);
      expect(signed(vector, [OTHER, OTHER])).toBe(false);
    }
  });

  it('refuses a request that was changed after it was signed', () => {
    for (const vector of vectors) {
      expect(signed({ ...vector, method: 'PUT' })).toBe(false);
      expect(signed({ ...vector, url: vector.url.replace('/', '/x') })).toBe(false);
      expect(signed({ ...vector, url: `${vector.url}&more=1` })).toBe(false);
      const headers = { ...vector.headers, 'ocp-range': 'bytes=0-999' };
      expect(signed({ ...vector, headers })).toBe(false);
      expect(signed(vector, [KEY], 'another')).toBe(false);
    }
  });

  it('refuses signatures of the wrong length', () => {
    for (const vector of vectors) expect(signed({ ...vector, signature: 'AAAA' })).toBe(false);
  });

  it('signs parameters by lower-case name, several values sorted and joined, a plus as it is', () => {
    const request = { method: 'GET', url: '/jobs?B=2&a=x+y&A=b&empty', headers: {} };
    expect(stringToSign(request, 'me', 'SharedKey').split('\n').slice(12)).toEqual([
      '/me/jobs',
      'a:b,x+y',
      'b:2',
      'empty:',
    ]);
  });

  it('signs only four standard lines in its lite form', () => {
    const request = { method: 'GET', url: '/jobs', headers: { date: DATE, range: 'bytes=0-1' } };
    expect(stringToSign(request, 'me', 'SharedKeyLite')).toBe(`GET\n\n\n${DATE}\n/me/jobs`);
  });
});
