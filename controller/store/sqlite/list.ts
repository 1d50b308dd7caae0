import type { RowKind } from '../../engine/ports.js';
import type { Filter, ListQuery } from '../../engine/reader.js';
import type { TaskState } from '../../core/task/state.js';
import { TABLES } from '../schema/tables.js';
import type { Bound } from './connection.js';
import type { Clause } from './filter.js';
import { beyond, compileFilter, keyOf } from './filter.js';

const TASK_STATES = [
  'active',
  'preparing',
  'running',
  'completed',
] as const satisfies readonly TaskState[];

/**
 * The statement of a page. Its cost must not grow with what lies outside of it: the filter's bounds
 * on the id become bounds on the key, and a filter that admits only some task states walks each of
 * them by the index on (job, state, key), taking at most `limit` rows of each.
 */
export function compileList(kind: RowKind, query: ListQuery): { sql: string; values: Bound[] } {
  const { table } = TABLES[kind];
  const range = keyRange(kind, query);
  const conditions: Clause[] = [
    // One bound on each side: of two lower bounds SQLite walks from whichever it takes, and it can't know.
    range.from === undefined
      ? { sql: 'key > ? AND key < ?', values: [range.after, range.before] }
      : { sql: 'key >= ? AND key < ?', values: [range.from, range.before] },
  ];
  if (query.jobSchedule !== undefined)
    conditions.push({ sql: 'job_schedule = ?', values: [query.jobSchedule] });
  if (query.filter !== undefined) conditions.push(compileFilter(query.filter, query.scope, true));
  const states = kind === 'task' && query.filter !== undefined ? statesOf(query.filter) : undefined;
  if (states === undefined) {
    const { sql, values } = select(table, conditions, query.limit);
    return { sql, values };
  }
  if (states.size === 0) return { sql: 'SELECT row FROM task WHERE 0', values: [] };
  const legs = [...states].map((state) =>
    select(
      table,
      [{ sql: 'job = ? AND state = ?', values: [query.scope, state] }, ...conditions],
      query.limit,
    ),
  );
  return {
    sql: `SELECT row FROM (${legs.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ALL ')}) ORDER BY key LIMIT ?`,
    values: [...legs.flatMap(({ values }) => values), query.limit],
  };
}

const select = (table: string, conditions: readonly Clause[], limit: number): Clause => ({
  sql: `SELECT key, row FROM ${table} WHERE ${conditions.map(({ sql }) => sql).join(' AND ')} ORDER BY key LIMIT ?`,
  values: [...conditions.flatMap(({ values }) => values), limit],
});

/**
 * Keys strictly between `after` and `before`, or from `from` on where that is beyond `after`: the scope, the
 * page, the filter on ids.
 */
function keyRange(
  kind: RowKind,
  { scope, after, filter }: ListQuery,
): { after: string; before: string; from?: string } {
  if (kind === 'account') return { after: after ?? '', before: beyond('') };
  const bounds = filter === undefined ? {} : idBounds(filter, scope);
  const start = after === undefined ? `${scope}/` : keyOf(scope, after);
  // '0' is the character after '/': nothing of another scope lies between.
  const end = `${scope}0`;
  return {
    after: start,
    before: bounds.before !== undefined && bounds.before < end ? bounds.before : end,
    ...(bounds.from !== undefined && bounds.from > start && { from: bounds.from }),
  };
}

/** What a filter demands of the key in any case; a looser bound is never wrong, the filter still runs. */
function idBounds(filter: Filter, scope: string): { from?: string; before?: string } {
  if (filter.type === 'and') {
    const all = filter.operands.map((operand) => idBounds(operand, scope));
    const from = all
      .flatMap((bound) => bound.from ?? [])
      .sort()
      .at(-1);
    const before = all.flatMap((bound) => bound.before ?? []).sort()[0];
    return { ...(from !== undefined && { from }), ...(before !== undefined && { before }) };
  }
  if (filter.type === 'startsWith' && filter.field.kind === 'id') {
    const from = keyOf(scope, filter.prefix);
    return { from, before: beyond(from) };
  }
  if (filter.type === 'compare' && filter.field.kind === 'id') {
    const key = keyOf(scope, String(filter.value));
    // No id holds a character as small as this one.
    const upper = { before: `${key}\u{1}` };
    if (filter.operator === 'eq') return { from: key, ...upper };
    if (filter.operator === 'ge' || filter.operator === 'gt') return { from: key };
    if (filter.operator === 'le' || filter.operator === 'lt') return upper;
  }
  return {};
}

/** The task states that a filter admits; undefined: any. */
function statesOf(filter: Filter): ReadonlySet<string> | undefined {
  switch (filter.type) {
    case 'compare': {
      if (filter.field.kind !== 'state') return undefined;
      const named = String(filter.value).toLowerCase();
      if (filter.operator === 'eq') return new Set(TASK_STATES.filter((state) => state === named));
      if (filter.operator === 'ne') return new Set(TASK_STATES.filter((state) => state !== named));
      return undefined;
    }
    case 'and': {
      const known = filter.operands.flatMap((operand) => statesOf(operand) ?? []);
      if (known.length === 0) return undefined;
      return new Set(TASK_STATES.filter((state) => known.every((set) => set.has(state))));
    }
    case 'or': {
      const all = filter.operands.map((operand) => statesOf(operand));
      if (all.includes(undefined)) return undefined;
      return new Set(TASK_STATES.filter((state) => all.some((set) => set?.has(state))));
    }
    case 'not':
    case 'startsWith':
      return undefined;
  }
}
