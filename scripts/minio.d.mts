/** The MinIO server that is already built, or undefined. */
export function findMinio(): string | undefined;
/** Builds the MinIO server where it isn't yet; answers with its path. */
export function obtainMinio(say?: (line: string) => void): Promise<string>;
