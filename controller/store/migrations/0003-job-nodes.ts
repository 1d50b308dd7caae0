/** What the preparation and release tasks of jobs did on nodes. */
export const jobNodes = `
CREATE TABLE job_node (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
`;
