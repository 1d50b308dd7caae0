import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from '../../controller/store/sqlite/connection.js';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { DataFolderError } from '../../controller/store/schema/failure.js';
import { SCHEMA_VERSION } from '../../controller/store/schema/versions.js';
import {
  jobNodeKey,
  nodeKey,
  specialRunsKey,
  startTaskRunsKey,
  type RunsKey,
  type SpecialRunsKey,
} from '../../protocol/keys.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { describeStore } from './store.js';
import { body, emptyBatch, job, loadAll, pool, task } from './store-rows.js';
import { idsOf } from './store-writer.js';

describeStore('on SQLite', () => {
  const folder = tempDirectory('store');
  return { open: () => SqliteStore.open(folder.path), remove: folder.remove };
});

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('the data folder of SQLite', () => {
  let folder: ReturnType<typeof tempDirectory>;
  let data: string;
  let store: SqliteStore | undefined;
  beforeEach(() => {
    folder = tempDirectory('store');
    data = join(folder.path, 'new', 'data');
  });
  afterEach(async () => {
    await store?.close();
    store = undefined;
    folder.remove();
  });

  test('is made with mode 0700, and every file in it with 0600', async () => {
    store = await SqliteStore.open(data);
    await store.commit({ ...emptyBatch(), upserts: { pool: [pool('p')] } });
    expect(mode(data)).toBe('700');
    const files = readdirSync(data);
    expect(files).toContain('batchyard.db-wal');
    expect(files.map((file) => [file, mode(join(data, file))])).toEqual(
      files.map((file) => [file, '600']),
    );
  });

  test('holds one database file without a log after close', async () => {
    store = await SqliteStore.open(data);
    await store.commit({ ...emptyBatch(), upserts: { pool: [pool('p')] } });
    await store.close();
    expect(readdirSync(data).sort()).toEqual(['batchyard.db', 'batchyard.lock']);
  });

  test('is refused to a second controller, and free again after the first', async () => {
    store = await SqliteStore.open(data);
    await expect(SqliteStore.open(data)).rejects.toThrow(
      `data folder ${data} is in use by another controller`,
    );
    await store.close();
    store = await SqliteStore.open(data);
  });

  test('of a newer version is refused with both versions, and left as it was', async () => {
    await (await SqliteStore.open(data)).close();
    const file = join(data, 'batchyard.db');
    const connection = await Connection.open(file);
    await connection.execute("UPDATE meta SET value = '4711' WHERE key = 'schemaVersion'");
    await connection.close();
    const before = readFileSync(file);
    const refusal = await SqliteStore.open(data).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DataFolderError);
    expect((refusal as Error).message).toContain('schema version 4711');
    expect((refusal as Error).message).toContain(`up to ${String(SCHEMA_VERSION)}`);
    expect((refusal as Error).message).not.toContain('\n');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('with a file that is no database, or the database of another program, is refused', async () => {
    const file = join(folder.path, 'batchyard.db');
    writeFileSync(file, 'hello, I am a text file, not a database, and quite long enough to be one');
    await expect(SqliteStore.open(folder.path)).rejects.toThrow(
      `${file} is not a Batchyard database`,
    );
    writeFileSync(file, '');
    const other = await Connection.open(file);
    await other.execute('CREATE TABLE cats (name TEXT)');
    await other.close();
    await expect(SqliteStore.open(folder.path)).rejects.toThrow(
      `${file} is not a Batchyard database`,
    );
  });

  test('keeps runs of start tasks until they expire, and pages through those of special tasks', async () => {
    store = await SqliteStore.open(data);
    const of = { node: nodeKey(pool('p').key, 'n'), nodeId: 'n', poolId: 'p', endTime: 5 };
    const startTask = startTaskRunsKey(of.node);
    const place = jobNodeKey(job('j').key, of.node);
    const [preparation, release] = (['preparation', 'release'] as const).map((kind) =>
      specialRunsKey(place, kind),
    ) as [SpecialRunsKey, SpecialRunsKey];
    const run = (runs: RunsKey, number: number) => ({ ...of, task: runs, number });
    const history = { attempts: [], logs: [], kept: [], forgotten: [] };
    const special = [run(preparation, 1), run(preparation, 2), run(release, 1)];
    await store.commit({
      ...emptyBatch(),
      upserts: { job: [job('j')] },
      history: {
        ...history,
        attempts: [
          { ...run(startTask, 1), expires: 100 },
          { ...run(startTask, 2), expires: 200 },
          // A task's are not among those of its job's special tasks.
          run(task('j', 'a').key, 1),
          ...special,
        ],
      },
    });
    expect([await store.hasExpiredLogs(99), await store.hasExpiredLogs(100)]).toEqual([
      false,
      true,
    ]);
    await store.commit({ ...emptyBatch(), history: { ...history, expiredAt: 150 } });
    expect((await store.attempts(startTask, 0, 9)).map(({ number }) => number)).toEqual([2]);
    expect(await store.specialRuns(job('j').key, undefined, 2)).toEqual(special.slice(0, 2));
    const after = { task: preparation, number: 2 };
    expect(await store.specialRuns(job('j').key, after, 2)).toEqual(special.slice(2));
    await store.commit({ ...emptyBatch(), deleteTasksOfJobs: [job('j').key] });
    expect(await store.specialRuns(job('j').key, undefined, 2)).toEqual([]);
  });

  test('keeps nothing of a batch that fails half-way', async () => {
    store = await SqliteStore.open(data);
    await store.commit({ ...emptyBatch(), upserts: { pool: [pool('kept')] } });
    // SQLite refuses the task without a state after the pools and jobs were written.
    const broken = { ...task('j', 'b'), state: undefined } as unknown as ReturnType<typeof task>;
    await expect(
      store.commit({
        ...emptyBatch(),
        deletes: { pool: [pool('kept').key] },
        upserts: { pool: [pool('new')], job: [job('j')], task: [task('j', 'a'), broken] },
        taskBodies: [{ key: task('j', 'a').key, body: body('a') }],
      }),
    ).rejects.toThrow('task.state');
    const loaded = await loadAll(store);
    expect(loaded.pools).toEqual([pool('kept')]);
    expect([loaded.jobs, loaded.tasks]).toEqual([[], []]);
    await store.commit({ ...emptyBatch(), upserts: { job: [job('j')] } });
    expect((await loadAll(store)).jobs).toEqual([job('j')]);
  });

  test('holds every acknowledged batch, and only whole ones, after kill -9 at any moment', async () => {
    let next = 0;
    for (let round = 0; round < 10; round += 1) {
      const acknowledged = await commitUntilKilled(data, next, 1 + Math.random() * 40);
      expect(acknowledged).toBeGreaterThanOrEqual(next);
      store = await SqliteStore.open(data);
      const { tasks, jobs } = await loadAll(store);
      const kept = new Set(tasks.map(({ id }) => id));
      const last = Math.max(...tasks.map(({ sequence }) => sequence));
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      expect(last).toBeLessThanOrEqual(acknowledged + 1);
      expect(jobs[0]?.nextTaskSequence).toBe(last);
      for (let commit = 0; commit <= last; commit += 1)
        for (const id of idsOf(commit)) expect(kept.has(id), id).toBe(true);
      const bodies = await store.readTaskBodies(tasks.map(({ key }) => key));
      expect(bodies.size).toBe(tasks.length);
      await store.close();
      next = last + 1;
    }
  });
});

/** Lets a child process commit until it has acknowledged `count` batches; answers with the last one it did. */
async function commitUntilKilled(data: string, first: number, count: number): Promise<number> {
  const script = fileURLToPath(new URL('store-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, data, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let last = first - 1;
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = Number(line);
  });
  await waitFor('acknowledged commits', () => {
    if (child.exitCode !== null) throw new Error(`the writer ended: ${String(child.exitCode)}`);
    return last - first >= count;
  });
  child.kill('SIGKILL');
  await ended;
  return last;
}
