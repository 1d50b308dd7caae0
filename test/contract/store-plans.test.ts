import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Filter } from '../../controller/engine/reader.js';
import { Connection } from '../../controller/store/sqlite/connection.js';
import { compileList } from '../../controller/store/sqlite/list.js';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { tempDirectory } from '../support/temp-dir.js';

const folder = tempDirectory('plans');
let connection: Connection;
beforeAll(async () => {
  await (await SqliteStore.open(folder.path)).close();
  connection = await Connection.open(join(folder.path, 'batchyard.db'));
});
afterAll(async () => {
  await connection.close();
  folder.remove();
});

const state = (operator: 'eq' | 'ne', value: string): Filter => ({
  type: 'compare',
  field: { kind: 'state' },
  operator,
  value,
});
const prefix: Filter = { type: 'startsWith', field: { kind: 'id' }, prefix: 'night-' };

/** How SQLite reads the table of tasks for a page, and whether it sorts what it read. */
async function planOf(filter?: Filter) {
  const query = { scope: 'acme/job', after: 'night-1', limit: 1000, ...(filter && { filter }) };
  const { sql, values } = compileList('task', query);
  const steps = await connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, values);
  const details = steps.map(({ detail }) => detail);
  return {
    reads: details.filter((detail) => /^(SEARCH|SCAN) task\b/.test(detail)),
    sorts: details.some((detail) => detail.includes('TEMP B-TREE')),
  };
}

interface Opcode {
  opcode: string;
  p1: number;
  p2: number;
  p3: number;
  p4: string;
}

/** The key from which SQLite walks the index: the last column of its first search. */
async function beginsAt(filter: Filter, after?: string) {
  const { sql, values } = compileList('task', {
    ...{ scope: 'acme/job', limit: 1000, filter },
    ...(after !== undefined && { after }),
  });
  const program = await connection.all<Opcode>(`EXPLAIN ${sql}`, values);
  const at = program.findIndex(({ opcode }) => /^Seek(GT|GE)$/.test(opcode));
  const register = (program[at]?.p3 ?? NaN) + Number(program[at]?.p4) - 1;
  const source = program
    .slice(0, at)
    .findLast(({ opcode, p2 }) => opcode === 'Variable' && p2 === register);
  return values[(source?.p1 ?? NaN) - 1];
}

const BY_KEY = 'SEARCH task USING INDEX sqlite_autoindex_task_1 (key>? AND key<?)';
const BY_STATE = 'SEARCH task USING INDEX task_state (job=? AND state=? AND key>? AND key<?)';

/** Each of these reads as many rows as the page holds, however many tasks the job has. */
describe('a page of tasks', () => {
  it.each([
    ['without a filter', undefined, BY_KEY],
    ['by the start of the id', prefix, BY_KEY],
    ['by state', state('eq', 'active'), BY_STATE],
    [
      'by state and the start of the id',
      { type: 'and', operands: [prefix, state('eq', 'active')] },
      BY_STATE,
    ],
  ] as [string, Filter | undefined, string][])(
    '%s is read from an index, in its order, from where it begins',
    async (_, filter, read) => {
      expect(await planOf(filter)).toEqual({ reads: [read], sorts: false });
    },
  );

  it.each([
    ['the start of an id', prefix],
    [
      'the start of an id among other conditions',
      { type: 'and', operands: [prefix, state('eq', 'active')] },
    ],
    [
      'an id that all are beyond',
      { type: 'compare', field: { kind: 'id' }, operator: 'ge', value: 'night-' },
    ],
  ] as [string, Filter][])(
    'walks from the first that %s admits, or from where the page before ended',
    async (_, filter) => {
      expect(await beginsAt(filter)).toBe('acme/job/night-');
      expect(await beginsAt(filter, 'morning')).toBe('acme/job/night-');
      expect(await beginsAt(filter, 'night-500')).toBe('acme/job/night-500');
    },
  );

  it('by several states reads each from the index, and sorts no more than a page of each', async () => {
    expect(await planOf(state('ne', 'completed'))).toEqual({
      reads: [BY_STATE, BY_STATE, BY_STATE],
      sorts: true,
    });
    const { sql } = compileList('task', {
      scope: 'acme/job',
      limit: 1000,
      filter: state('ne', 'completed'),
    });
    expect(sql.match(/ORDER BY key LIMIT \?/g)).toHaveLength(4);
  });
});
