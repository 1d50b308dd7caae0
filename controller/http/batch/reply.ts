import { downgradeReply } from '../../../protocol/batch/versions/translate.js';
import type { EntityReply } from '../../engine/command.js';
import type { Call, RequestContext } from '../call.js';
import type { GetReply } from '../../queries/context.js';
import { isModified } from '../middleware/conditions.js';
import type { ListReply } from '../../queries/paging.js';

const JSON_TYPE = 'application/json;odata=minimalmetadata';

/** Sends a JSON body that starts with `odata.metadata`. */
export function sendJson(call: Call, metadata: string, body: object): void {
  const { context } = call;
  const version = call.query.get('api-version') ?? '';
  context.body = JSON.stringify({
    'odata.metadata': `${call.baseUrl}/$metadata#${metadata}`,
    ...downgradeReply(version, context.state.operation ?? '', body),
  });
  context.set('content-type', JSON_TYPE);
  context.set('DataServiceVersion', '3.0');
}

function setEntityHeaders(context: RequestContext, entity: { etag: string; lastModified: number }) {
  context.set('ETag', entity.etag);
  context.set('Last-Modified', new Date(entity.lastModified).toUTCString());
}

/** Answers a read of one entity under its conditions: 200, 304 without a body, or 412. */
export function sendEntity(call: Call, kind: string, found: GetReply): void {
  const modified = isModified(call.conditions, found);
  setEntityHeaders(call.context, found);
  if (modified) sendJson(call, `${kind}/@Element`, found.body);
  else call.context.status = 304;
}

/** Answers HEAD of an entity: the headers of its GET. */
export function sendExists(call: Call, found: GetReply): void {
  if (!isModified(call.conditions, found)) call.context.status = 304;
  setEntityHeaders(call.context, found);
  call.context.set('DataServiceVersion', '3.0');
}

/** Parameters that the next page is asked with again. */
const KEPT = [
  '$filter',
  '$select',
  '$expand',
  'maxresults',
  'recursive',
  'starttime',
  'endtime',
] as const;

/** Lower-case names, no duplicates, no blanks, `%20` for a space: what both clients sign alike. */
function nextLink(call: Call, next: string): string {
  const kept = KEPT.flatMap((name) => {
    const value = call.query.get(name);
    return value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(value)}`];
  });
  const version = `api-version=${encodeURIComponent(call.query.get('api-version') ?? '')}`;
  const query = [version, ...kept, `$skiptoken=${encodeURIComponent(next)}`].join('&');
  return `${call.baseUrl}${call.context.path}?${query}`;
}

export function sendList(call: Call, kind: string, page: ListReply): void {
  sendJson(call, kind, {
    value: page.value,
    ...(page.next !== undefined && { 'odata.nextLink': nextLink(call, page.next) }),
  });
}

/** An add's answer: `path` is the new entity's. */
export function sendAdded(call: Call, path: string, reply?: EntityReply): void {
  const url = `${call.baseUrl}${path}`;
  if (reply !== undefined) setEntityHeaders(call.context, reply);
  call.context.set('Location', url);
  call.context.set('DataServiceId', url);
  call.context.set('DataServiceVersion', '3.0');
  call.context.body = null;
}

/** The answer to a patch, update or action. */
export function sendChanged(call: Call, reply?: EntityReply): void {
  if (reply !== undefined) setEntityHeaders(call.context, reply);
  call.context.set('DataServiceId', `${call.baseUrl}${call.context.path}`);
  call.context.set('DataServiceVersion', '3.0');
  call.context.body = null;
}

/** The answer to a delete, or to a change that says nothing about an entity. */
export function sendNothing(call: Call): void {
  call.context.set('DataServiceVersion', '3.0');
  call.context.body = null;
}
