import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DataFolderError } from '../schema/failure.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from '../schema/versions.js';
import { Connection, sqliteCode } from './connection.js';
import { TICK_SCHEMA } from './tick.js';

const DATABASE_FILE = 'batchyard.db';
const LOCK_FILE = 'batchyard.lock';
/** Readers that lists spread over: each holds one thread of the pool while it works. */
const READERS = 2;
/** Pages of the cache, negative: KiB. */
const CACHE_KIB = 32 * 1024;

export interface Connections {
  lock: Connection;
  writer: Connection;
  readers: Connection[];
}

/** Opens (or makes) the database of a data folder and takes the folder for this process. */
export async function openConnections(directory: string): Promise<Connections> {
  makeDirectory(directory);
  const lock = await takeLock(directory);
  const opened = [lock];
  try {
    const file = join(directory, DATABASE_FILE);
    makePrivate(file);
    const writer = await Connection.open(file);
    opened.push(writer);
    await migrate(writer, file);
    await writer.execute(
      `PRAGMA cache_size = -${String(CACHE_KIB)}; PRAGMA temp_store = MEMORY; ${TICK_SCHEMA}`,
    );
    const readers: Connection[] = [];
    for (let at = 0; at < READERS; at += 1) {
      const reader = await Connection.open(file);
      opened.push(reader);
      await reader.execute(`PRAGMA cache_size = -${String(CACHE_KIB)}; PRAGMA query_only = ON;`);
      readers.push(reader);
    }
    return { lock, writer, readers };
  } catch (error) {
    for (const connection of opened.reverse()) await connection.close();
    throw error;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DataFolderError(`data folder ${directory} can't be made`, { cause: error });
  }
}

/** SQLite gives its WAL and index files the mode of the database file. */
function makePrivate(file: string): void {
  try {
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
  } catch (error) {
    throw new DataFolderError(`${file} can't be written`, { cause: error });
  }
}

/**
 * The lock is SQLite's own on an empty database: held by an open exclusive transaction, it ends with
 * the process however that ends.
 */
async function takeLock(directory: string): Promise<Connection> {
  const file = join(directory, LOCK_FILE);
  makePrivate(file);
  const connection = await Connection.open(file);
  try {
    await connection.execute('BEGIN EXCLUSIVE');
    return connection;
  } catch (error) {
    await connection.close();
    if (sqliteCode(error) === 'SQLITE_BUSY') {
      throw new DataFolderError(
        `data folder ${directory} is in use by another controller: stop it first, or name another folder with --data`,
      );
    }
    throw new DataFolderError(`${file} is not a lock file of Batchyard`, { cause: error });
  }
}

/** Refuses what isn't ours or is newer, brings what is older up to date, each version in a transaction. */
async function migrate(writer: Connection, file: string): Promise<void> {
  const version = await versionOf(writer, file);
  if (version > SCHEMA_VERSION) {
    throw new DataFolderError(
      `${file} has schema version ${String(version)}, written by a newer Batchyard: this one knows versions up to ${String(SCHEMA_VERSION)}; start the newer program, or name another folder with --data`,
    );
  }
  await writer.execute('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  for (const migration of MIGRATIONS) {
    if (migration.version <= version) continue;
    const begin =
      migration.version === 1
        ? `PRAGMA application_id = ${String(APPLICATION_ID)};
           CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;`
        : '';
    try {
      await writer.execute(`BEGIN IMMEDIATE; ${begin} ${migration.sql}
        INSERT INTO meta VALUES ('schemaVersion', '${String(migration.version)}')
          ON CONFLICT (key) DO UPDATE SET value = excluded.value;
        COMMIT;`);
    } catch (error) {
      // The connection is closed next, which takes the open transaction back.
      throw new DataFolderError(
        `${file} can't be brought from schema version ${String(migration.version - 1)} to ${String(migration.version)}`,
        { cause: error },
      );
    }
  }
}

/** 0 for an empty file. */
async function versionOf(writer: Connection, file: string): Promise<number> {
  const foreign = () =>
    new DataFolderError(
      `${file} is not a Batchyard database: move it away, or name another folder with --data`,
    );
  try {
    const tables = await writer.first<{ count: number }>(
      'SELECT count(*) AS count FROM sqlite_schema',
    );
    if (tables?.count === 0) return 0;
    const id = await writer.first<{ application_id: number }>('PRAGMA application_id');
    if (id?.application_id !== APPLICATION_ID) throw foreign();
    const row = await writer.first<{ value: string }>(
      "SELECT value FROM meta WHERE key = 'schemaVersion'",
    );
    const version = Number(row?.value);
    if (!Number.isInteger(version) || version < 1) throw foreign();
    return version;
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_NOTADB') throw foreign();
    throw error;
  }
}
