import { BatchError } from '../../../protocol/batch/errors.js';
import { upgradeSelect } from '../../../protocol/batch/versions/translate.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import { readTime } from '../../../protocol/time.js';
import type { GetInput, ListInput } from '../../queries/context.js';
import { invalidQueryParameter } from '../../queries/filter.js';
import type { Call } from '../call.js';

/** 1 to 1000; what is no whole number is invalid, what is none of these is out of range. */
export function readMaxResults(call: Call): number | undefined {
  const text = call.query.get('maxresults');
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    const reason = `it must be a whole number from 1 to ${LIMITS.pageSize}`;
    throw invalidQueryParameter('maxresults', text.slice(0, 100), reason);
  }
  const count = Number(text);
  if (count >= 1 && count <= LIMITS.pageSize) return count;
  throw new BatchError('OutOfRangeQueryParameterValue', [
    { key: 'QueryParameterName', value: 'maxresults' },
    { key: 'QueryParameterValue', value: text },
    { key: 'MinimumAllowed', value: '1' },
    { key: 'MaximumAllowed', value: String(LIMITS.pageSize) },
  ]);
}

const given = (call: Call, name: string) => call.query.get(name) || undefined;

/** `$select` in today's names. */
function selected(call: Call): string | undefined {
  const select = given(call, '$select');
  const version = call.query.get('api-version') ?? '';
  return select === undefined ? undefined : upgradeSelect(version, select);
}

/** What a read of one entity takes from the request. */
export const readInput = (call: Call): GetInput => ({
  account: call.account,
  select: selected(call),
  expand: given(call, '$expand'),
});

/** What a list takes from the request. */
export const listInput = (call: Call): ListInput => ({
  account: call.account,
  filter: given(call, '$filter'),
  select: selected(call),
  expand: given(call, '$expand'),
  maxresults: readMaxResults(call),
  skiptoken: given(call, '$skiptoken'),
});

/** A time of the query, as epoch milliseconds. */
export function readTimeParameter(call: Call, name: string): number | undefined {
  const text = given(call, name);
  if (text === undefined) return undefined;
  const time = readTime(text);
  if (time !== undefined) return time;
  throw invalidQueryParameter(name, text.slice(0, 100), 'it must be an ISO 8601 time');
}

/** `true` or `false`, any case; absent is false. */
export function readBoolean(call: Call, name: string): boolean {
  const text = call.query.get(name)?.toLowerCase() ?? '';
  if (text === 'true') return true;
  if (text === 'false' || text === '') return false;
  throw invalidQueryParameter(name, text.slice(0, 100), 'it must be true or false');
}

const NAME_STARTS_WITH = /^[\s(]*startswith\s*\(\s*name\s*,\s*'((?:[^']|'')*)'\s*\)[\s)]*$/i;

/** The one filter that file lists know: `startswith(name,'…')`. */
export function readNamePrefix(call: Call): string | undefined {
  const filter = given(call, '$filter');
  if (filter === undefined) return undefined;
  const match = NAME_STARTS_WITH.exec(filter);
  if (match !== null) return (match[1] ?? '').replaceAll("''", "'");
  const reason = "it must be startswith(name,'…')";
  throw invalidQueryParameter('$filter', filter.slice(0, 200), reason);
}
