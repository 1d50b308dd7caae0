import sqlite3 from 'sqlite3';

/** A value that SQLite binds. */
export type Bound = string | number | null;

/** One connection with promises for callbacks. Statements given at once run in the order given. */
export class Connection {
  private constructor(private readonly database: sqlite3.Database) {}

  /** Opens an existing or, unless `readOnly`, a new file. */
  static open(path: string, options: { readOnly?: boolean } = {}): Promise<Connection> {
    const mode = options.readOnly
      ? sqlite3.OPEN_READONLY
      : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;
    return new Promise((resolve, reject) => {
      const database = new sqlite3.Database(path, mode | sqlite3.OPEN_FULLMUTEX, (error) => {
        if (error === null) {
          database.serialize();
          resolve(new Connection(database));
        } else reject(error);
      });
    });
  }

  /** Statements without parameters, separated by semicolons. */
  execute(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.database.exec(sql, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  all<Row>(sql: string, values: readonly Bound[] = []): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.database.all<Row>(sql, values, (error, rows) => {
        if (error === null) resolve(rows);
        else reject(error);
      });
    });
  }

  async first<Row>(sql: string, values: readonly Bound[] = []): Promise<Row | undefined> {
    return (await this.all<Row>(sql, values))[0];
  }

  /** A statement that is compiled once. */
  prepare(sql: string): Promise<Prepared> {
    return new Promise((resolve, reject) => {
      const statement = this.database.prepare(sql, (error) => {
        if (error === null) resolve(new Prepared(statement));
        else reject(error);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.database.close((error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

export class Prepared {
  constructor(private readonly statement: sqlite3.Statement) {}

  run(values: readonly Bound[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.statement.run(values, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  finalize(): Promise<void> {
    return new Promise((resolve) => {
      this.statement.finalize(() => {
        resolve();
      });
    });
  }
}

/** SQLite's name of an error (`SQLITE_BUSY`), or undefined for any other error. */
export const sqliteCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
