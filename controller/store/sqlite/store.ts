import type { Batch, RowKind, Rows, Store, TaskBody } from '../../engine/ports.js';
import type { Snapshot } from '../../core/restore.js';
import type { ListQuery, NodeCount, Reader } from '../../engine/reader.js';
import type { AttemptLog, KeptLog, PastAttempt } from '../../core/task/history.js';
import type { Task } from '../../core/task/state.js';
import type { JobKey, PoolKey, RunsKey, TaskKey } from '../../../protocol/keys.js';
import { TABLES } from '../schema/tables.js';
import type { Bound, Connection, Prepared } from './connection.js';
import { compileList } from './list.js';
import { loadSnapshot, openTasks } from './load.js';
import type { Connections } from './open.js';
import { openConnections } from './open.js';
import { TICK_INSERT, tickValues } from './tick.js';

const parse = <T>(row: { row: string }): T => JSON.parse(row.row) as T;

/**
 * The store on SQLite (WAL, synchronous=FULL): one connection writes, others read what is committed.
 * It holds the folder's lock until `close`.
 */
export class SqliteStore implements Store, Reader {
  private turn = 0;
  /** Commits run one after the other, in the order they were given. */
  private last: Promise<void> = Promise.resolve();
  private closed: Promise<void> | undefined;

  private constructor(
    private readonly connections: Connections,
    private readonly insert: Prepared,
  ) {}

  /** Throws DataFolderError where the folder is in use, newer than this program, or not ours. */
  static async open(directory: string): Promise<SqliteStore> {
    const connections = await openConnections(directory);
    return new SqliteStore(connections, await connections.writer.prepare(TICK_INSERT));
  }

  load(): Promise<Snapshot> {
    return loadSnapshot(this.reader());
  }

  openTasks(): AsyncIterable<Task[]> {
    return openTasks(this.reader());
  }

  commit(batch: Batch): Promise<void> {
    const values = tickValues(batch);
    const done = this.last.then(() => this.insert.run(values));
    // A failed commit is its caller's to handle; the next one must not wait for it.
    this.last = done.catch(() => undefined);
    return done;
  }

  readTasks(keys: readonly TaskKey[]): Promise<Task[]> {
    return this.tasks(keys);
  }

  async tasks(keys: readonly TaskKey[]): Promise<Task[]> {
    const rows = await this.reader().all<{ row: string }>(
      'SELECT row FROM task WHERE key IN (SELECT value FROM json_each(?))',
      [JSON.stringify(keys)],
    );
    return rows.map((row) => parse<Task>(row));
  }

  readTaskBodies(keys: readonly TaskKey[]): Promise<Map<TaskKey, TaskBody>> {
    return this.taskBodies(keys);
  }

  async taskBodies(keys: readonly TaskKey[]): Promise<Map<TaskKey, TaskBody>> {
    const rows = await this.reader().all<{ key: TaskKey; body: string }>(
      'SELECT key, body FROM task_body WHERE key IN (SELECT value FROM json_each(?))',
      [JSON.stringify(keys)],
    );
    return new Map(rows.map(({ key, body }) => [key, JSON.parse(body) as TaskBody]));
  }

  async get<K extends RowKind>(kind: K, key: Rows[K]['key']): Promise<Rows[K]['row'] | undefined> {
    const row = await this.reader().first<{ row: string }>(
      `SELECT row FROM ${TABLES[kind].table} WHERE key = ?`,
      [key],
    );
    return row === undefined ? undefined : parse<Rows[K]['row']>(row);
  }

  async list<K extends RowKind>(kind: K, query: ListQuery): Promise<Rows[K]['row'][]> {
    const { sql, values } = compileList(kind, query);
    const rows = await this.reader().all<{ row: string }>(sql, values);
    return rows.map((row) => parse<Rows[K]['row']>(row));
  }

  async nodeCounts(pools: readonly PoolKey[]): Promise<NodeCount[]> {
    const rows = await this.reader().all<Omit<NodeCount, 'isDedicated'> & { isDedicated: number }>(
      `SELECT pool, is_dedicated AS isDedicated, state, count(*) AS count FROM node
       WHERE pool IN (SELECT value FROM json_each(?)) GROUP BY pool, is_dedicated, state`,
      [JSON.stringify(pools)],
    );
    return rows.map((row) => ({ ...row, isDedicated: row.isDedicated === 1 }));
  }

  async attempts(task: RunsKey, after: number, limit: number): Promise<PastAttempt[]> {
    const rows = await this.reader().all<{ row: string }>(
      'SELECT row FROM attempt WHERE task = ? AND number > ? ORDER BY number LIMIT ?',
      [task, after, limit],
    );
    return rows.map((row) => parse<PastAttempt>(row));
  }

  async specialRuns(
    job: JobKey,
    after: { task: string; number: number } | undefined,
    limit: number,
  ): Promise<PastAttempt[]> {
    const rows = await this.reader().all<{ row: string }>(
      `SELECT row FROM attempt WHERE (task, number) > (?, ?) AND task < ?
       ORDER BY task, number LIMIT ?`,
      [after?.task ?? `${job}/:`, after?.number ?? 0, `${job}/;`, limit],
    );
    return rows.map((row) => parse<PastAttempt>(row));
  }

  async attemptLog(task: TaskKey, number: number): Promise<AttemptLog | undefined> {
    const row = await this.reader().first<{ row: string }>(
      'SELECT row FROM attempt_log WHERE task = ? AND number = ?',
      [task, number],
    );
    return row === undefined ? undefined : parse<AttemptLog>(row);
  }

  async hasExpiredLogs(now: number): Promise<boolean> {
    const row = await this.reader().first(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM attempt_log WHERE expires <= ?1)
       OR EXISTS (SELECT 1 FROM attempt WHERE expires <= ?1)`,
      [now],
    );
    return row !== undefined;
  }

  keptLogsDue(now: number, limit: number): Promise<KeptLog[]> {
    return this.keptLogs('look_at <= ? ORDER BY look_at', now, limit);
  }

  keptLogsOf(owner: RunsKey, limit: number): Promise<KeptLog[]> {
    return this.keptLogs('owner = ? ORDER BY blob', owner, limit);
  }

  private keptLogs(condition: string, value: Bound, limit: number): Promise<KeptLog[]> {
    return this.reader().all<KeptLog>(
      `SELECT blob, owner, look_at AS lookAt FROM kept_log WHERE ${condition} LIMIT ?`,
      [value, limit],
    );
  }

  /** Waits for commits under way, moves the log into the database file and lets the folder go. */
  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    await this.last;
    await this.insert.finalize();
    for (const reader of this.connections.readers) await reader.close();
    await this.connections.writer.execute('PRAGMA wal_checkpoint(TRUNCATE)');
    await this.connections.writer.close();
    await this.connections.lock.close();
  }

  private reader(): Connection {
    const { readers, writer } = this.connections;
    this.turn = (this.turn + 1) % readers.length;
    return readers[this.turn] ?? writer;
  }
}
