/**
 * The first schema. Each kind has a table: the entity as JSON in `row`, and beside it only what
 * indexes need. Tasks have their bodies in a table of their own, written once and seldom read.
 */
export const first = `
CREATE TABLE account (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
CREATE TABLE certificate (key TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE pool (key TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE node (
  key TEXT PRIMARY KEY NOT NULL, pool TEXT NOT NULL, is_dedicated INTEGER NOT NULL,
  state TEXT NOT NULL, row TEXT NOT NULL
);
CREATE INDEX node_count ON node (pool, is_dedicated, state);
CREATE TABLE job (
  key TEXT PRIMARY KEY NOT NULL, job_schedule TEXT, state TEXT NOT NULL, row TEXT NOT NULL
);
CREATE INDEX job_of_schedule ON job (job_schedule, key) WHERE job_schedule IS NOT NULL;
CREATE TABLE job_schedule (key TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL, row TEXT NOT NULL);

CREATE TABLE task (
  key TEXT PRIMARY KEY NOT NULL, job TEXT NOT NULL, sequence INTEGER NOT NULL,
  state TEXT NOT NULL, row TEXT NOT NULL
);
-- A list with a filter on state walks one state in order of ids.
CREATE INDEX task_state ON task (job, state, key);
-- What a start loads, however many tasks are completed.
CREATE INDEX task_open ON task (job, sequence) WHERE state <> 'completed';

CREATE TABLE task_body (key TEXT PRIMARY KEY NOT NULL, depends_on TEXT, body TEXT NOT NULL);
CREATE INDEX task_body_dependent ON task_body (key) WHERE depends_on IS NOT NULL;

CREATE TABLE satisfied (
  job TEXT NOT NULL, task_id TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY (job, task_id)
) WITHOUT ROWID;
`;
