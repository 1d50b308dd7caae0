import type { RowKind, Rows } from '../../engine/ports.js';
import type { Snapshot } from '../../core/restore.js';
import type { Task } from '../../core/task/state.js';
import { TABLES } from '../schema/tables.js';
import type { Bound, Connection } from './connection.js';

/** Rows a statement: big enough to hide the trip, small enough for one string. */
const PAGE = 10_000;
/** The same of tasks, which come by the million: few enough to be young when they are packed, and go with the next scavenge. */
const TASK_PAGE = 2_000;

/** A page comes as one JSON text: parsing it is several times faster than taking rows one by one. */
interface Page {
  count: number;
  rows: string;
}
const EMPTY: Page = { count: 0, rows: '[]' };

async function all<K extends RowKind>(connection: Connection, kind: K): Promise<Rows[K]['row'][]> {
  const rows: Rows[K]['row'][] = [];
  let after = '';
  for (;;) {
    const page = (await connection.first<Page & { after: string }>(
      `SELECT count(*) AS count, max(key) AS after, '[' || group_concat(row, ',') || ']' AS rows
         FROM (SELECT key, row FROM ${TABLES[kind].table} WHERE key > ? ORDER BY key LIMIT ?)`,
      [after, PAGE],
    )) ?? { ...EMPTY, after };
    if (page.count === 0) return rows;
    for (const row of JSON.parse(page.rows) as Rows[K]['row'][]) rows.push(row);
    after = page.after;
  }
}

/** Walks `task_open`: completed tasks cost nothing. Exported for the test of its plan. */
export const OPEN_TASKS = `
  SELECT count(*) AS count, '[' || group_concat(row, ',') || ']' AS rows
  FROM (SELECT job, sequence, row FROM task WHERE state <> 'completed' AND (job, sequence) > (?, ?)
        ORDER BY job, sequence LIMIT ?)`;

/** Where a page ends: found in the index alone. */
const OPEN_TASKS_END = `
  SELECT job, sequence FROM task WHERE state <> 'completed' AND (job, sequence) > (?, ?)
  ORDER BY job, sequence LIMIT 1 OFFSET ?`;

/** The database reads a page while the one before is worked on; two are in memory at most. */
export async function* openTasks(connection: Connection): AsyncGenerator<Task[]> {
  let from: Bound[] | undefined = ['', -1];
  let next: Promise<Page | undefined> | undefined;
  while (from !== undefined) {
    const end: { job: string; sequence: number } | undefined = await connection.first(
      OPEN_TASKS_END,
      [...from, TASK_PAGE - 1],
    );
    const present = next;
    next = connection.first<Page>(OPEN_TASKS, [...from, TASK_PAGE]);
    // Awaited below, one turn later: until then a failure must not count as nobody's.
    next.catch(() => undefined);
    if (present !== undefined) yield tasksOf(await present);
    from = end === undefined ? undefined : [end.job, end.sequence];
  }
  const last = tasksOf(await next);
  if (last.length > 0) yield last;
}

/** SQLite does not promise that rows are joined in their order, though it does so: mostly nothing moves here. */
const tasksOf = (page: Page | undefined) =>
  (JSON.parse(page?.rows ?? EMPTY.rows) as Task[]).sort((a, b) =>
    a.job === b.job ? a.sequence - b.sequence : a.job < b.job ? -1 : 1,
  );

/** Everything that memory starts from; asked before anything is committed, so nothing moves meanwhile. */
export async function loadSnapshot(connection: Connection): Promise<Snapshot> {
  const dependencies = await connection.all<{ key: string; dependsOn: string }>(
    `SELECT task.key, task_body.depends_on AS dependsOn FROM task CROSS JOIN task_body INDEXED BY task_body_dependent
     ON task_body.key = task.key
     WHERE task.state <> 'completed' AND task_body.depends_on IS NOT NULL`,
  );
  return {
    accounts: await all(connection, 'account'),
    certificates: await all(connection, 'certificate'),
    applications: await all(connection, 'application'),
    applicationPackages: await all(connection, 'applicationPackage'),
    images: await all(connection, 'image'),
    hypervisors: await all(connection, 'hypervisor'),
    pools: await all(connection, 'pool'),
    nodes: await all(connection, 'node'),
    jobs: await all(connection, 'job'),
    jobNodes: await all(connection, 'jobNode'),
    jobSchedules: await all(connection, 'jobSchedule'),
    taskFactories: await all(connection, 'taskFactory'),
    sampleWindows: await all(connection, 'sampleWindow'),
    dependencies: dependencies.map(({ key, dependsOn }) => ({
      key: key as Snapshot['dependencies'][number]['key'],
      dependsOn: JSON.parse(dependsOn) as Snapshot['dependencies'][number]['dependsOn'],
    })),
    satisfied: await connection.all('SELECT job, task_id AS taskId FROM satisfied'),
  };
}
