import { listFilter } from '../../queries/filterable.js';
import { matches } from '../../queries/matches.js';
import type { ManagementCall } from './call.js';
import { sendList } from './call.js';
import { badRequest } from './errors.js';

const PAGE_MAX = 1000;

function limitOf(call: ManagementCall): number {
  const text = call.query.get('maxresults') || String(PAGE_MAX);
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX) return limit;
  throw badRequest(
    'InvalidQueryParameterValue',
    `maxresults ${text.slice(0, 20)} is invalid: allowed are 1 to ${PAGE_MAX}.`,
    'maxresults',
  );
}

/** A page of what memory holds, in the order of keys; `maxresults` and `$skiptoken` are honoured. */
export function sendPage<Entity extends { readonly key: string }>(
  call: ManagementCall,
  entities: readonly Entity[],
  shape: (entity: Entity) => object,
): void {
  const limit = limitOf(call);
  const after = call.query.get('$skiptoken') ?? '';
  const rest = entities
    .filter(({ key }) => key.slice(key.lastIndexOf('/') + 1) > after)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1)?.key : undefined;
  sendList(call, page.map(shape), last?.slice(last.lastIndexOf('/') + 1));
}

/** A resource in ARM's shape, as far as lists look at it. */
export interface ArmDocument {
  readonly id: string;
  readonly type: string;
  readonly etag: string;
  readonly name: string;
  readonly properties: object;
}

/** A page of documents in the order of names: those that `$filter` admits, as far as `$select` wants them. */
export function sendMatching(
  call: ManagementCall,
  list: 'armPools' | 'armCertificates',
  documents: readonly ArmDocument[],
): void {
  const limit = limitOf(call);
  const filter = listFilter(list, '', call.query.get('$filter'));
  const selected = selection(call.query.get('$select'));
  const after = call.query.get('$skiptoken') ?? '';
  const key = ({ name }: ArmDocument) => name.toLowerCase();
  const rest = documents
    .filter((one) => key(one) > after && (filter === undefined || matches(filter, one)))
    .sort((one, other) => (key(one) < key(other) ? -1 : 1));
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1) : undefined;
  sendList(call, page.map(selected), last && key(last));
}

/** `name,properties/vmSize`: whole properties alone; id, name, type and etag are always there. */
function selection(text: string | undefined): (document: ArmDocument) => object {
  const names = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return (document) => document;
  const always = ['id', 'name', 'type', 'etag'];
  const unknown = names.find((name) => !always.includes(name) && !/^properties\/\w+$/.test(name));
  if (unknown !== undefined)
    throw badRequest(
      'InvalidQueryParameterValue',
      `$select ${unknown.slice(0, 64)} is invalid: allowed are id, name, type, etag and properties/NAME.`,
      '$select',
    );
  const wanted = new Set(names.map((name) => name.replace('properties/', '')));
  return (document) => ({
    ...document,
    properties: Object.fromEntries(
      Object.entries(document.properties).filter(([name]) => wanted.has(name)),
    ),
  });
}
