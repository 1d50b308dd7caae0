import type { ComparisonOperator, Filter, FilterField } from '../../engine/reader.js';
import type { Bound } from './connection.js';

/** A piece of SQL and the values of its question marks, in order. */
export interface Clause {
  sql: string;
  values: Bound[];
}

type Comparison = Extract<Filter, { type: 'compare' }>;

const SIGNS: Record<ComparisonOperator, string> = {
  eq: '=',
  ne: '<>',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
};

/** The key of an id in a scope. */
export const keyOf = (scope: string, id: string): string => `${scope}/${id.toLowerCase()}`;
/** The least text greater than every text that starts with `prefix`. */
export const beyond = (prefix: string): string => `${prefix}\u{10FFFF}`;

/** Paths come from the table of filterable properties, never from a client; they are bound all the same. */
const pathOf = (path: string): string => `$.${path}`;

const DOCUMENT: Record<Exclude<FilterField['kind'], 'id' | 'state'>, string> = {
  text: 'json_extract(row, ?)',
  number: 'json_extract(row, ?)',
  time: 'json_extract(row, ?)',
  isoTime: "CAST(round(unixepoch(json_extract(row, ?), 'subsec') * 1000) AS INTEGER)",
  boolean: 'coalesce(json_extract(row, ?), 0)',
};

/**
 * SQL of a filter over a table with `key`, `state` and `row`; every value is bound. `isBounded`: the whole
 * filter must hold, and the caller has made of it the bounds on the key by which SQLite is to search.
 */
export function compileFilter(filter: Filter, scope: string, isBounded = false): Clause {
  // A term with a plus sign before the column is never searched by.
  const key = isBounded ? '+key' : 'key';
  switch (filter.type) {
    case 'and':
    case 'or': {
      const clauses = filter.operands.map((operand) =>
        compileFilter(operand, scope, isBounded && filter.type === 'and'),
      );
      return {
        sql: `(${clauses.map(({ sql }) => sql).join(filter.type === 'and' ? ' AND ' : ' OR ')})`,
        values: clauses.flatMap(({ values }) => values),
      };
    }
    case 'not': {
      const { sql, values } = compileFilter(filter.operand, scope);
      return { sql: `NOT ${sql}`, values };
    }
    case 'compare':
      return compileComparison(filter, scope, key);
    case 'startsWith':
      return compilePrefix(filter.field, filter.prefix, scope, key);
  }
}

function compileComparison(
  { field, operator, value }: Comparison,
  scope: string,
  key: string,
): Clause {
  const sign = SIGNS[operator];
  if (field.kind === 'id') {
    const column = operator === 'eq' ? 'key' : key;
    return { sql: `(${column} ${sign} ?)`, values: [keyOf(scope, String(value))] };
  }
  if (field.kind === 'state')
    return { sql: `(state ${sign} ?)`, values: [String(value).toLowerCase()] };
  const document = DOCUMENT[field.kind];
  const collation = field.kind === 'text' ? ' COLLATE NOCASE' : '';
  const bound: Bound = typeof value === 'boolean' ? (value ? 1 : 0) : value;
  const values = [pathOf(field.path), bound];
  // Never NULL: an absent property differs from every value and is neither less nor greater.
  if (operator === 'eq') return { sql: `(${document} IS ?${collation})`, values };
  if (operator === 'ne') return { sql: `(${document} IS NOT ?${collation})`, values };
  return { sql: `coalesce(${document} ${sign} ?${collation}, 0)`, values };
}

function compilePrefix(field: FilterField, prefix: string, scope: string, key: string): Clause {
  if (field.kind === 'id') {
    const start = keyOf(scope, prefix);
    return { sql: `(${key} >= ? AND ${key} < ?)`, values: [start, beyond(start)] };
  }
  const [document, paths] =
    field.kind === 'state' ? ['state', []] : [DOCUMENT[field.kind], [pathOf(field.path)]];
  return {
    sql: `coalesce(substr(${document}, 1, length(?)) = ? COLLATE NOCASE, 0)`,
    values: [...paths, prefix, prefix],
  };
}
