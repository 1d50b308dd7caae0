/** Runs of start tasks outlive their nodes for a while: rows of `attempt` that go by themselves. */
export const runsThatExpire = `
ALTER TABLE attempt ADD COLUMN expires INTEGER;
CREATE INDEX attempt_expiry ON attempt (expires) WHERE expires IS NOT NULL;
`;
