import { BatchError } from '../../protocol/batch/errors.js';

/** Decodes one percent-encoded part of a URL; a plus stays a plus. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw new BatchError('RequestUrlFailedToParse', [
      { key: 'Reason', value: `${part.slice(0, 100)} is not valid percent-encoding` },
    ]);
  }
}

/** Name and value pairs in the order they came, names as written, both decoded. */
export function queryPairs(querystring: string): [string, string][] {
  if (querystring === '') return [];
  return querystring
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      return at < 0
        ? [decodePart(pair), '']
        : [decodePart(pair.slice(0, at)), decodePart(pair.slice(at + 1))];
    });
}

/** Parameters by lower-case name; of duplicates the first. */
export function parseQuery(querystring: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of queryPairs(querystring)) {
    const key = name.toLowerCase();
    if (!query.has(key)) query.set(key, value);
  }
  return query;
}
