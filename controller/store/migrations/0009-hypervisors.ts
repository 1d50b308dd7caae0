/** What was switched of hypervisors while the controller ran. */
export const hypervisors = `
CREATE TABLE hypervisor (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
`;
