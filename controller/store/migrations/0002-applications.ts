/** Applications and their packages. */
export const applications = `
CREATE TABLE application (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
CREATE TABLE application_package (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
`;
