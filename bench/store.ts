/**
 * The store alone: rows a second of durable commits beside SQLite's own multi-row INSERT into a table
 * with the same indexes, and the time of a page of 1,000 tasks among few and many.
 * `npx tsx bench/store.ts [--tasks 1000000] [--rows 20000]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import type { Task } from '../controller/core/task/state.js';
import type { Filter } from '../controller/engine/reader.js';
import { Connection } from '../controller/store/sqlite/connection.js';
import { SqliteStore } from '../controller/store/sqlite/store.js';
import { accountKey, jobKey, taskKey } from '../protocol/keys.js';

const options = new Command('npx tsx bench/store.ts')
  .option('--tasks <count>', 'tasks of the big job', '1000000')
  .option('--rows <count>', 'rows of each commit measurement', '20000')
  .parse()
  .opts<{ tasks: string; rows: string }>();
const manyTasks = Number(options.tasks);
/** As many as fill a page of each filter. */
const FEW = 10_000;
const rowsEach = Number(options.rows);

const JOB = jobKey(accountKey('acme'), 'big');
const SMALL_JOB = jobKey(accountKey('acme'), 'small');
const EMPTY = {
  upserts: {},
  taskBodies: [],
  deletes: {},
  deleteTasksOfJobs: [],
  satisfied: [],
  unsatisfied: [],
};

function task(job: typeof JOB, sequence: number, state: Task['state']): Task {
  const id = `task-${String(sequence).padStart(8, '0')}`;
  return {
    key: taskKey(job, id),
    job,
    id,
    sequence,
    isJobManager: false,
    requiredSlots: 1,
    runExclusive: false,
    state,
    stateTransitionTime: 1_767_323_045_678,
    creationTime: 1_767_323_045_678,
    lastModified: 1_767_323_045_678,
    version: 1,
    maxTaskRetryCount: 0,
    attempt: 0,
    execution: { retryCount: 0, requeueCount: 0 },
  };
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Rows a second of `rowsEach` rows in commits of `size`, store and plain INSERT in turns. */
async function commits(directory: string, size: number): Promise<[number, number]> {
  const store = await SqliteStore.open(join(directory, `store-${String(size)}`));
  const plain = await Connection.open(join(directory, `plain-${String(size)}.db`));
  await plain.execute(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE task (key TEXT PRIMARY KEY NOT NULL, job TEXT NOT NULL, sequence INTEGER NOT NULL,
      state TEXT NOT NULL, row TEXT NOT NULL);
    CREATE INDEX task_state ON task (job, state, key);
    CREATE INDEX task_open ON task (job, sequence) WHERE state <> 'completed';`);
  const insert = await plain.prepare(
    `INSERT INTO task VALUES ${range(0, size)
      .map(() => '(?, ?, ?, ?, ?)')
      .join(', ')}`,
  );
  let [ours, theirs] = [0, 0];
  for (let from = 0; from < rowsEach; from += size) {
    const tasks = range(from, size).map((n) => task(JOB, n, 'active'));
    ours += await seconds(() => store.commit({ ...EMPTY, upserts: { task: tasks } }));
    theirs += await seconds(() =>
      insert.run(tasks.flatMap((t) => [t.key, t.job, t.sequence, t.state, JSON.stringify(t)])),
    );
  }
  await insert.finalize();
  await plain.close();
  await store.close();
  return [rowsEach / ours, rowsEach / theirs];
}

async function fill(store: SqliteStore, job: typeof JOB, count: number): Promise<void> {
  for (let from = 0; from < count; from += 5000) {
    // One in ten waits: 1,000 of the small job, as many as a page holds.
    const tasks = range(from, Math.min(5000, count - from)).map((n) =>
      task(job, n, n % 10 === 0 ? 'active' : 'completed'),
    );
    await store.commit({ ...EMPTY, upserts: { task: tasks } });
  }
}

const ROUNDS = 41;
const median = (times: number[]) => times.sort((a, b) => a - b)[(ROUNDS - 1) / 2] ?? NaN;

/** Median milliseconds of a full page of the small job and of the big one, asked in turns. */
async function pages(store: SqliteStore, filter?: Filter): Promise<[number, number]> {
  const page = async (scope: string) => {
    const query = { scope, limit: 1000, ...(filter !== undefined && { filter }) };
    let rows = 0;
    const time = await seconds(async () => {
      rows = (await store.list('task', query)).length;
    });
    if (rows !== 1000) throw new Error(`a page of ${scope} has ${String(rows)} rows, not 1000`);
    return 1000 * time;
  };
  const few: number[] = [];
  const many: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    few.push(await page(SMALL_JOB));
    many.push(await page(JOB));
  }
  return [median(few), median(many)];
}

const active: Filter = {
  type: 'compare',
  field: { kind: 'state' },
  operator: 'eq',
  value: 'active',
};
const prefix: Filter = { type: 'startsWith', field: { kind: 'id' }, prefix: 'task-00005' };

const directory = mkdtempSync(join(tmpdir(), 'batchyard-bench-store-'));
try {
  for (const size of [1, 10, 100, 500]) {
    const [ours, theirs] = await commits(directory, size);
    console.log(
      `commit of ${String(size).padStart(3)} rows: ${ours.toFixed(0)} rows/s, plain multi-row INSERT ${theirs.toFixed(0)} rows/s, ratio ${(ours / theirs).toFixed(2)}`,
    );
  }
  const folder = join(directory, 'many');
  let store = await SqliteStore.open(folder);
  await fill(store, SMALL_JOB, FEW);
  const filling = await seconds(() => fill(store, JOB, manyTasks));
  console.log(`${String(manyTasks)} tasks written in ${filling.toFixed(1)} s`);
  for (const [name, filter] of [
    ['no filter', undefined],
    ['state', active],
    ['id prefix', prefix],
  ] as const) {
    const [few, many] = await pages(store, filter);
    console.log(
      `page of 1000, ${name}: ${few.toFixed(1)} ms of ${String(FEW)}, ${many.toFixed(1)} ms of ${String(manyTasks)}, ratio ${(many / few).toFixed(2)}`,
    );
  }
  await store.close();
  store = await SqliteStore.open(folder);
  let open = 0;
  const loading = await seconds(async () => {
    await store.load();
    for await (const tasks of store.openTasks()) open += tasks.length;
  });
  console.log(
    `load with ${String(open)} open of ${String(manyTasks + FEW)} tasks: ${(1000 * loading).toFixed(0)} ms`,
  );
  await store.close();
} finally {
  rmSync(directory, { recursive: true });
}
