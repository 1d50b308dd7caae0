import type { Batch } from '../../engine/ports.js';
import { KINDS, TABLES } from '../schema/tables.js';
import type { Bound } from './connection.js';

/**
 * A batch is one statement: an INSERT into a view of this connection whose trigger takes the batch's
 * parts as JSON arrays. So one trip to the thread pool writes everything, SQLite itself makes it all
 * or nothing, and no BEGIN can be left open. Deletes come before upserts: a key that one tick removes
 * and adds again ends as added.
 */
const parts = [
  'jobs_without_tasks',
  ...KINDS.map((kind) => `delete_${TABLES[kind].table}`),
  'unsatisfied',
  ...KINDS.map((kind) => `upsert_${TABLES[kind].table}`),
  'bodies',
  'satisfied',
  'attempts',
  'attempt_logs',
  'kept_logs',
  'forgotten_logs',
  'logs_expired_at',
];

/** `jsonb_each` parses a batch's rows once for all their columns; `json` writes a row as the text that it was. */
const upsert = (table: string, columns: Record<string, string>): string => {
  const names = Object.keys(columns);
  return `INSERT INTO ${table} (${['key', ...names, 'row'].join(', ')})
    SELECT ${['$.key', ...Object.values(columns)].map((path) => `value ->> '${path}'`).join(', ')}, json(value)
    FROM jsonb_each(NEW.upsert_${table}) WHERE true
    ON CONFLICT (key) DO UPDATE SET
      ${[...names, 'row'].map((name) => `${name} = excluded.${name}`).join(', ')};`;
};

/** Rows of a job's tasks in a table whose column `task` holds their keys. */
const ofJobs = (table: string, column = 'task') => `rowid IN (
    SELECT ${table}.rowid FROM json_each(NEW.jobs_without_tasks) AS gone CROSS JOIN ${table}
    ON ${table}.${column} > gone.value || '/' AND ${table}.${column} < gone.value || '0')`;
const ofTasks = (column = 'task') => `${column} IN (SELECT value FROM json_each(NEW.delete_task))`;

/** Logs in the object store outlive their task's rows until somebody has deleted them there. */
const HISTORY = `
  DELETE FROM attempt WHERE ${ofJobs('attempt')};
  DELETE FROM attempt WHERE ${ofTasks()};
  DELETE FROM attempt_log WHERE ${ofJobs('attempt_log')};
  DELETE FROM attempt_log WHERE ${ofTasks()};
  DELETE FROM attempt_log WHERE NEW.logs_expired_at IS NOT NULL AND expires <= NEW.logs_expired_at;
  UPDATE kept_log SET look_at = 0 WHERE ${ofJobs('kept_log', 'owner')};
  UPDATE kept_log SET look_at = 0 WHERE ${ofTasks('owner')};
  DELETE FROM attempt WHERE NEW.logs_expired_at IS NOT NULL AND expires <= NEW.logs_expired_at;
  INSERT OR REPLACE INTO attempt (task, number, expires, row)
    SELECT value ->> '$.task', value ->> '$.number', value ->> '$.expires', json(value)
    FROM jsonb_each(NEW.attempts);
  INSERT OR REPLACE INTO attempt_log (task, number, expires, row)
    SELECT value ->> '$.task', value ->> '$.number', value ->> '$.expires', json(value)
    FROM jsonb_each(NEW.attempt_logs);
  INSERT OR REPLACE INTO kept_log (blob, owner, look_at)
    SELECT value ->> '$.blob', value ->> '$.owner', value ->> '$.lookAt' FROM json_each(NEW.kept_logs);
  DELETE FROM kept_log WHERE blob IN (SELECT value FROM json_each(NEW.forgotten_logs));`;

/** Run once on the writing connection. */
export const TICK_SCHEMA = `
CREATE TEMP VIEW tick AS SELECT ${parts.map((part) => `NULL AS ${part}`).join(', ')};
CREATE TEMP TRIGGER tick_insert INSTEAD OF INSERT ON tick BEGIN
  DELETE FROM task_body WHERE rowid IN (
    SELECT task_body.rowid FROM json_each(NEW.jobs_without_tasks) AS gone CROSS JOIN task_body
    ON task_body.key > gone.value || '/' AND task_body.key < gone.value || '0');
  DELETE FROM task WHERE rowid IN (
    SELECT task.rowid FROM json_each(NEW.jobs_without_tasks) AS gone CROSS JOIN task
    ON task.key > gone.value || '/' AND task.key < gone.value || '0');
  DELETE FROM satisfied WHERE job IN (SELECT value FROM json_each(NEW.jobs_without_tasks));
  DELETE FROM task_body WHERE key IN (SELECT value FROM json_each(NEW.delete_task));
  ${KINDS.map(
    (kind) =>
      `DELETE FROM ${TABLES[kind].table} WHERE key IN (SELECT value FROM json_each(NEW.delete_${TABLES[kind].table}));`,
  ).join('\n  ')}
  DELETE FROM satisfied WHERE (job, task_id) IN (
    SELECT value ->> '$.job', value ->> '$.taskId' FROM json_each(NEW.unsatisfied));
  ${KINDS.map((kind) => upsert(TABLES[kind].table, TABLES[kind].columns)).join('\n  ')}
  INSERT INTO task_body (key, depends_on, body)
    SELECT value ->> '$.key', value ->> '$.body.dependsOn', value -> '$.body'
    FROM jsonb_each(NEW.bodies) WHERE true
    ON CONFLICT (key) DO UPDATE SET depends_on = excluded.depends_on, body = excluded.body;
  INSERT INTO satisfied (job, task_id)
    SELECT value ->> '$.job', value ->> '$.taskId' FROM json_each(NEW.satisfied) WHERE true
    ON CONFLICT DO NOTHING;${HISTORY}
END;`;

export const TICK_INSERT = `INSERT INTO tick (${parts.join(', ')}) VALUES (${parts.map(() => '?').join(', ')})`;

const json = (rows: readonly unknown[] | undefined): Bound =>
  rows === undefined || rows.length === 0 ? null : JSON.stringify(rows);

/** The values of TICK_INSERT, in the order of `parts`. */
export const tickValues = (batch: Batch): Bound[] => [
  json(batch.deleteTasksOfJobs),
  ...KINDS.map((kind) => json(batch.deletes[kind])),
  json(batch.unsatisfied),
  ...KINDS.map((kind) => json(batch.upserts[kind])),
  json(batch.taskBodies),
  json(batch.satisfied),
  json(batch.history?.attempts),
  json(batch.history?.logs),
  json(batch.history?.kept),
  json(batch.history?.forgotten),
  batch.history?.expiredAt ?? null,
];
