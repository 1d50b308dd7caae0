import { performance } from 'node:perf_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '../controller/store/sqlite/connection.js';
import { startController } from '../test/support/start-controller.js';
import { descendants, usage } from './process-tree.js';
import { SharedKeyClient } from './shared-key-client.js';

const TASKS_PER_CALL = 100;
const CALLS_AT_ONCE = 8;

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** `calls` requests of 100 tasks, several at a time, each body made before the clock starts. */
async function addCollections(client: SharedKeyClient, jobId: string, calls: number) {
  await client.send('POST', '/jobs', [201], { id: jobId, poolInfo: { poolId: 'nowhere' } });
  const bodies = range(calls).map((call) => ({
    value: range(TASKS_PER_CALL).map((at) => ({
      id: `t${String(call * TASKS_PER_CALL + at)}`,
      commandLine: '/bin/true',
    })),
  }));
  return secondsOf(() =>
    Promise.all(
      range(CALLS_AT_ONCE).map(async () => {
        for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
          const answer = (await client.send(
            'POST',
            `/jobs/${jobId}/addtaskcollection`,
            [200],
            body,
          )) as {
            value: { status: string }[];
          };
          if (!answer.value.every(({ status }) => status === 'Success'))
            throw new Error(`a task of ${jobId} was not added`);
        }
      }),
    ),
  );
}

/** A row as long as the controller's own. */
const rowOf = (key: string, sequence: number) =>
  JSON.stringify({
    ...{ key, job: 'account/job', id: key.slice(12), sequence, isJobManager: false },
    ...{ requiredSlots: 1, runExclusive: false, state: 'active', version: 1, attempt: 0 },
    stateTransitionTime: 1_767_323_045_678,
    creationTime: 1_767_323_045_678,
    lastModified: 1_767_323_045_678,
    maxTaskRetryCount: 0,
    retentionTimeMs: 604_800_000,
    execution: { retryCount: 0, requeueCount: 0 },
  });

/** Such rows by SQLite alone: one multi-row INSERT of 100 in a transaction of its own, as durable. */
async function insertRows(directory: string, round: number, calls: number): Promise<number> {
  const file = join(directory, `plain-${String(round)}.db`);
  const plain = await Connection.open(file);
  await plain.execute(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE task (key TEXT PRIMARY KEY NOT NULL, job TEXT NOT NULL, sequence INTEGER NOT NULL,
      state TEXT NOT NULL, row TEXT NOT NULL);
    CREATE INDEX task_state ON task (job, state, key);
    CREATE INDEX task_open ON task (job, sequence) WHERE state <> 'completed';`);
  const places = range(TASKS_PER_CALL).map(() => '(?, ?, ?, ?, ?)');
  const insert = await plain.prepare(`INSERT INTO task VALUES ${places.join(', ')}`);
  const seconds = await secondsOf(async () => {
    for (const call of range(calls))
      await insert.run(
        range(TASKS_PER_CALL).flatMap((at) => {
          const sequence = call * TASKS_PER_CALL + at;
          const key = `account/job/t${String(sequence)}`;
          return [key, 'account/job', sequence, 'active', rowOf(key, sequence)];
        }),
      );
  });
  await insert.finalize();
  await plain.close();
  return seconds;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Prints tasks a second through the API, rows a second of SQLite alone, and the ratio within each round. */
export async function benchAddCollection(tasks: number, rounds: number): Promise<void> {
  const calls = Math.ceil(tasks / TASKS_PER_CALL);
  const directory = mkdtempSync(join(tmpdir(), 'batchyard-bench-add-'));
  const controller = await startController();
  const client = new SharedKeyClient(controller.url, controller.account, controller.key);
  try {
    await addCollections(client, 'warm', 50);
    const before = usage(descendants(controller.pid)).cpuSeconds;
    const ours: number[] = [];
    const plain: number[] = [];
    for (const round of range(rounds)) {
      const measureOurs = async () =>
        ours.push(
          (calls * TASKS_PER_CALL) / (await addCollections(client, `r${String(round)}`, calls)),
        );
      const measurePlain = async () =>
        plain.push((calls * TASKS_PER_CALL) / (await insertRows(directory, round, calls)));
      for (const measure of round % 2 === 0
        ? [measureOurs, measurePlain]
        : [measurePlain, measureOurs])
        await measure();
      console.error(
        `round ${String(round + 1)}: ${String(Math.round(ours[round] ?? NaN))} tasks/s, SQLite alone ${String(Math.round(plain[round] ?? NaN))} rows/s`,
      );
    }
    const cpuSeconds = usage(descendants(controller.pid)).cpuSeconds - before;
    const ratios = ours.map((rate, round) => rate / (plain[round] ?? NaN));
    console.log(
      [
        `add-collection of ${String(TASKS_PER_CALL)} tasks a request, ${String(CALLS_AT_ONCE)} requests at a time, every task durable before its reply`,
        '',
        '| contestant | a second: median (min–max) |',
        '|---|---|',
        ...Object.entries({ 'Batchyard, tasks': ours, 'SQLite multi-row INSERT, rows': plain }).map(
          ([name, rates]) =>
            `| ${name} | ${String(Math.round(median(rates)))} (${String(Math.round(Math.min(...rates)))}–${String(Math.round(Math.max(...rates)))}) |`,
        ),
        '',
        `Batchyard reaches ${median(ratios).toFixed(2)} of SQLite's own rate (median of the ratios within each round; wanted: 0.30).`,
        `Processor time of the controller: ${((1e6 * cpuSeconds) / (rounds * calls * TASKS_PER_CALL)).toFixed(0)} µs a task.`,
      ].join('\n'),
    );
  } finally {
    client.close();
    await controller.stop();
    rmSync(directory, { recursive: true });
  }
}
