import { LIMITS } from '../../protocol/batch/limits.js';
import { invalidQueryParameter } from './filter.js';

/** `next` is the opaque token of the following page; absent on the last one. */
export interface ListReply {
  value: object[];
  next?: string;
}

export interface PageInput {
  maxresults?: number;
  skiptoken?: string;
}

const TOKEN_VERSION = 1;
const MAXIMUM_TOKEN_LENGTH = 1024;

/**
 * A token names the last id (lower case) that was given, and the list it is of: a page goes on after
 * that id, whatever was added or deleted meanwhile, so no item comes twice.
 */
export const skipToken = (list: string, after: string): string =>
  Buffer.from(JSON.stringify([TOKEN_VERSION, list, after])).toString('base64url');

/** The id of a token. Throws InvalidQueryParameterValue for one that this list didn't give. */
export function afterOf(list: string, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const after = token.length > MAXIMUM_TOKEN_LENGTH ? undefined : readToken(list, token);
  if (after === undefined)
    throw invalidQueryParameter(
      '$skiptoken',
      token.slice(0, 256),
      'it is not a token that this list has given',
    );
  return after;
}

function readToken(list: string, token: string): string | undefined {
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    // Not JSON: not one of ours.
    return undefined;
  }
  if (!Array.isArray(read) || read.length !== 3) return undefined;
  const [version, of, after] = read as unknown[];
  return version === TOKEN_VERSION && of === list && typeof after === 'string' && after.length > 0
    ? after
    : undefined;
}

/** Items a page: `maxresults`, at most `size`. */
const pageSize = (input: PageInput, size: number = LIMITS.pageSize): number =>
  Math.max(1, Math.min(input.maxresults ?? size, LIMITS.pageSize));

/**
 * One page of a list: `read` is asked for one row more than fit, which tells whether more follow.
 * Rows are ordered by key; `list` names the list and what it is of, for the token.
 */
export async function page<Row extends { readonly key: string }>(
  list: string,
  input: PageInput,
  read: (after: string | undefined, limit: number) => Promise<Row[]>,
  size?: number,
): Promise<{ rows: Row[]; next?: string }> {
  const limit = pageSize(input, size);
  const rows = await read(afterOf(list, input.skiptoken), limit + 1);
  const last = rows[limit - 1];
  if (rows.length <= limit || last === undefined) return { rows };
  return {
    rows: rows.slice(0, limit),
    next: skipToken(list, last.key.slice(last.key.lastIndexOf('/') + 1)),
  };
}
