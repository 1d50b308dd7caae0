/** Attempts that are over while their task is not, short outputs, and logs in the object store. */
export const attempts = `
CREATE TABLE attempt (task TEXT NOT NULL, number INTEGER NOT NULL, row TEXT NOT NULL);
CREATE UNIQUE INDEX attempt_of_task ON attempt (task, number);
CREATE TABLE attempt_log (
  task TEXT NOT NULL, number INTEGER NOT NULL, expires INTEGER, row TEXT NOT NULL
);
CREATE UNIQUE INDEX attempt_log_of_task ON attempt_log (task, number);
CREATE INDEX attempt_log_expiry ON attempt_log (expires) WHERE expires IS NOT NULL;
CREATE TABLE kept_log (blob TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, look_at INTEGER NOT NULL);
CREATE INDEX kept_log_owner ON kept_log (owner);
CREATE INDEX kept_log_due ON kept_log (look_at);
`;
