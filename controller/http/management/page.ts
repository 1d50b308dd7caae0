import type { ManagementCall } from './call.js';
import { sendList } from './call.js';
import { badRequest } from './errors.js';

const PAGE_MAX = 1000;

/** A page of what memory holds, in the order of keys; `maxresults` and `$skiptoken` are honoured. */
export function sendPage<Entity extends { readonly key: string }>(
  call: ManagementCall,
  entities: readonly Entity[],
  shape: (entity: Entity) => object,
): void {
  const text = call.query.get('maxresults') || String(PAGE_MAX);
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX)
    throw badRequest(
      'InvalidQueryParameterValue',
      `maxresults ${text.slice(0, 20)} is invalid: allowed are 1 to ${PAGE_MAX}.`,
      'maxresults',
    );
  const after = call.query.get('$skiptoken') ?? '';
  const rest = entities
    .filter(({ key }) => key.slice(key.lastIndexOf('/') + 1) > after)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1)?.key : undefined;
  sendList(call, page.map(shape), last?.slice(last.lastIndexOf('/') + 1));
}
