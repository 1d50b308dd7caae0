import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Filter, FilterField } from '../../controller/engine/reader.js';
import type { Rows } from '../../controller/engine/ports.js';
import type { Task, TaskState } from '../../controller/core/task/state.js';
import { matches } from '../../controller/queries/matches.js';
import { Connection } from '../../controller/store/sqlite/connection.js';
import { compileList } from '../../controller/store/sqlite/list.js';
import { OPEN_TASKS } from '../../controller/store/sqlite/load.js';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { jobKey } from '../../protocol/keys.js';
import { tempDirectory } from '../support/temp-dir.js';
import { ACCOUNT, emptyBatch, job, jobSchedule, pool, task, TIME } from './store-rows.js';

const folder = tempDirectory('queries');
const JOB = jobKey(ACCOUNT, 'j');
const STATES: TaskState[] = ['active', 'preparing', 'running', 'completed'];
const tasks: Task[] = Array.from({ length: 120 }, (_, n) => {
  const state = STATES[n % 4] ?? 'active';
  const ended = state === 'completed';
  return task('j', `${n % 2 === 0 ? 'T' : 'a'}-${String(n)}`, {
    sequence: n,
    state,
    creationTime: TIME + n,
    execution: {
      retryCount: 0,
      requeueCount: 0,
      ...(ended && { exitCode: (n % 5) - 2, result: n % 5 === 2 ? 'success' : 'failure' }),
    },
  });
});

let store: SqliteStore;
beforeAll(async () => {
  store = await SqliteStore.open(folder.path);
  const others = ['i', 'j0', 'j-1', 'k'].map((id) => task(id, 'stranger'));
  await store.commit({
    ...emptyBatch(),
    upserts: { job: [job('j')], task: [...tasks, ...others] },
  });
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

const field = (kind: FilterField['kind'], path = ''): FilterField =>
  kind === 'id' || kind === 'state' ? { kind } : { kind, path };
const operator = fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le');
const equality = fc.constantFrom('eq', 'ne');
const comparison = (
  of: FilterField,
  operators: fc.Arbitrary<string>,
  values: fc.Arbitrary<string | number>,
): fc.Arbitrary<Filter> =>
  fc
    .record({ operator: operators, value: values })
    .map((one) => ({ type: 'compare', field: of, ...one }) as Filter);
const ids = fc.constantFrom('T-4', 't-100', 'A-1', 'a-55', 'zz', '', 'a-', 'T-9%_');
const leaf = fc.oneof(
  comparison(field('id'), operator, ids),
  comparison(field('state'), equality, fc.constantFrom('active', 'Completed', 'running', 'nope')),
  comparison(field('number', 'execution.exitCode'), operator, fc.integer({ min: -3, max: 3 })),
  comparison(field('text', 'execution.result'), equality, fc.constantFrom('SUCCESS', 'failure')),
  comparison(field('time', 'creationTime'), operator, fc.integer({ min: TIME, max: TIME + 120 })),
  ids.map((prefix): Filter => ({ type: 'startsWith', field: field('id'), prefix })),
);
const filters = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('filter').map((operand): Filter => ({ type: 'not', operand })),
    fc
      .record({
        type: fc.constantFrom('and' as const, 'or' as const),
        operands: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }),
      })
      .map((one): Filter => one),
  ),
})).filter;

const sorted = (rows: readonly Task[]) =>
  rows.map(({ key }) => key).sort((a, b) => (a < b ? -1 : 1));

describe('a list of the store', () => {
  test('holds what the filter says by plain evaluation, for any filter, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 50 }), async (filter, limit) => {
        const expected = sorted(
          // Ids are compared without case, as keys are.
          tasks.filter((one) => matches(filter, { ...one, id: one.id.toLowerCase() })),
        );
        const seen: string[] = [];
        let after: string | undefined;
        for (;;) {
          const rows: Rows['task']['row'][] = await store.list('task', {
            scope: JOB,
            filter,
            limit,
            ...(after !== undefined && { after }),
          });
          seen.push(...rows.map(({ key }) => key));
          if (rows.length < limit) break;
          after = rows.at(-1)?.key.slice(JOB.length + 1);
        }
        expect(seen).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  test('without a filter holds the whole scope and nothing of its neighbours', async () => {
    const rows = await store.list('task', { scope: JOB, limit: 1000 });
    expect(rows.map(({ key }) => key)).toEqual(sorted(tasks));
  });

  test('compares ISO times of a specification as times, and absent booleans as false', async () => {
    const schedules = [
      jobSchedule('s1', {}, { doNotRunUntil: '2026-01-01T10:00:00Z' }),
      jobSchedule('s2', {}, { doNotRunUntil: '2026-01-01T10:00:00.5Z' }),
      jobSchedule('s3', {}, {}),
    ];
    const pools = [pool('p1'), pool('p2', {}, { enableInterNodeCommunication: true })];
    await store.commit({ ...emptyBatch(), upserts: { jobSchedule: schedules, pool: pools } });
    const path = 'specification.schedule.doNotRunUntil';
    const until = (at: number, sign: 'eq' | 'gt'): Filter => ({
      type: 'compare',
      field: { kind: 'isoTime', path },
      operator: sign,
      value: at,
    });
    const ten = Date.UTC(2026, 0, 1, 10);
    const list = async (filter: Filter) =>
      (await store.list('jobSchedule', { scope: ACCOUNT, filter, limit: 9 })).map(({ id }) => id);
    expect(await list(until(ten, 'eq'))).toEqual(['s1']);
    expect(await list(until(ten, 'gt'))).toEqual(['s2']);
    expect(await list(until(ten + 500, 'eq'))).toEqual(['s2']);
    const connected = await store.list('pool', {
      scope: ACCOUNT,
      limit: 9,
      filter: {
        type: 'compare',
        field: { kind: 'boolean', path: 'specification.enableInterNodeCommunication' },
        operator: 'eq',
        value: false,
      },
    });
    expect(connected.map(({ id }) => id)).toEqual(['p1']);
  });

  describe('is planned as a walk along an index, never as a scan or a sort of the table', () => {
    const state = (value: string): Filter => ({
      type: 'compare',
      field: { kind: 'state' },
      operator: 'eq',
      value,
    });
    const prefix: Filter = { type: 'startsWith', field: { kind: 'id' }, prefix: 'a-' };
    const cases: [string, Filter | undefined, RegExp][] = [
      [
        'no filter',
        undefined,
        /SEARCH task USING INDEX sqlite_autoindex_task_1 \(key>\? AND key<\?\)/,
      ],
      [
        'an id prefix',
        prefix,
        /SEARCH task USING INDEX sqlite_autoindex_task_1 \(key>\? AND key<\?\)/,
      ],
      ['a state', state('active'), /task_state \(job=\? AND state=\? AND key>\? AND key<\?\)/],
      [
        'a state and an id prefix',
        { type: 'and', operands: [prefix, state('active')] },
        /task_state \(job=\? AND state=\? AND key>\? AND key<\?\)/,
      ],
      [
        'two states',
        { type: 'or', operands: [state('active'), state('running')] },
        /task_state \(job=\? AND state=\? AND key>\? AND key<\?\)/,
      ],
    ];
    test.each(cases)('%s', async (_name, filter, expected) => {
      const { sql, values } = compileList('task', {
        scope: JOB,
        limit: 1000,
        after: 'a-5',
        ...(filter !== undefined && { filter }),
      });
      const plan = await explain(sql, values);
      const walks = plan.filter((step) => step.includes(' task '));
      expect(walks.length).toBeGreaterThan(0);
      for (const walk of walks) expect(walk).toMatch(expected);
      expect(plan.join('\n')).not.toMatch(/SCAN task/);
      if (!sql.includes('UNION')) expect(plan.join('\n')).not.toMatch(/TEMP B-TREE/);
    });

    test('the tasks that a start loads', async () => {
      const plan = (await explain(OPEN_TASKS, ['', -1, 10])).join('\n');
      expect(plan).toMatch(/SEARCH task USING INDEX task_open/);
    });
  });
});

async function explain(
  sql: string,
  values: readonly (string | number | null)[],
): Promise<string[]> {
  const connection = await Connection.open(`${folder.path}/batchyard.db`, { readOnly: true });
  try {
    const steps = await connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, values);
    return steps.map(({ detail }) => `${detail} `);
  } finally {
    await connection.close();
  }
}
