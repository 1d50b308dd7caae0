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
];

const upsert = (table: string, columns: Record<string, string>): string => {
  const names = Object.keys(columns);
  return `INSERT INTO ${table} (${['key', ...names, 'row'].join(', ')})
    SELECT ${['$.key', ...Object.values(columns)].map((path) => `value ->> '${path}'`).join(', ')}, value
    FROM json_each(NEW.upsert_${table}) WHERE true
    ON CONFLICT (key) DO UPDATE SET
      ${[...names, 'row'].map((name) => `${name} = excluded.${name}`).join(', ')};`;
};

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
    FROM json_each(NEW.bodies) WHERE true
    ON CONFLICT (key) DO UPDATE SET depends_on = excluded.depends_on, body = excluded.body;
  INSERT INTO satisfied (job, task_id)
    SELECT value ->> '$.job', value ->> '$.taskId' FROM json_each(NEW.satisfied) WHERE true
    ON CONFLICT DO NOTHING;
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
];
