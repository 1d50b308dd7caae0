/** Tasks that were accepted as a whole and are made little by little. */
export const taskFactories = `
CREATE TABLE task_factory (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
`;
