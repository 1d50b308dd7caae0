import type { Context } from 'koa';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { Conditions } from '../../engine/command.js';

/** Reads one date condition; a date that is none is an error, not ignored. */
function dateHeader(context: Context, name: string): number | undefined {
  const text = context.get(name);
  if (text === '') return undefined;
  const time = Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new BatchError('InvalidHeaderValue', [
    { key: 'HeaderName', value: name },
    { key: 'HeaderValue', value: text.slice(0, 100) },
  ]);
}

/**
 * The conditional headers of a request, undefined where it has none.
 * @throws BatchError MultipleConditionHeadersNotSupported for pairs that the service does not take.
 */
export function readConditions(context: Context): Conditions | undefined {
  const ifMatch = context.get('if-match') || undefined;
  const ifNoneMatch = context.get('if-none-match') || undefined;
  const ifModifiedSince = dateHeader(context, 'If-Modified-Since');
  const ifUnmodifiedSince = dateHeader(context, 'If-Unmodified-Since');
  const demandsSame = ifMatch !== undefined || ifUnmodifiedSince !== undefined;
  const demandsNew = ifNoneMatch !== undefined || ifModifiedSince !== undefined;
  if (demandsSame && demandsNew) throw new BatchError('MultipleConditionHeadersNotSupported');
  if (!demandsSame && !demandsNew) return undefined;
  return { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince };
}

const bare = (etag: string) => etag.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
const names = (header: string, etag: string | undefined) =>
  header.split(',').some((one) => bare(one) === '*' || bare(one) === etag);
const seconds = (time: number) => Math.floor(time / 1000);

/**
 * Whether a read under these conditions is sent, or answered 304. With an ETag condition its date
 * twin is ignored; dates have whole seconds; files have no ETag.
 * @throws BatchError ConditionNotMet
 */
export function isModified(
  conditions: Conditions | undefined,
  found: { etag?: string; lastModified: number },
): boolean {
  if (conditions === undefined) return true;
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  const modified = seconds(found.lastModified);
  const same =
    ifMatch !== undefined
      ? names(ifMatch, found.etag)
      : ifUnmodifiedSince === undefined || modified <= seconds(ifUnmodifiedSince);
  if (!same) throw new BatchError('ConditionNotMet');
  if (ifNoneMatch !== undefined) return !names(ifNoneMatch, found.etag);
  return ifModifiedSince === undefined || modified > seconds(ifModifiedSince);
}
