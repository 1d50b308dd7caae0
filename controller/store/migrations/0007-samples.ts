/** What was measured of pools, for automatic scaling: ten minutes of a pool a row, kept for a day. */
export const samples = `
CREATE TABLE sample_window (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
`;
