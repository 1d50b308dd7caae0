/** Disk images that are imported while the controller runs. */
export const images = `
CREATE TABLE image (key TEXT PRIMARY KEY NOT NULL, row TEXT NOT NULL);
`;
