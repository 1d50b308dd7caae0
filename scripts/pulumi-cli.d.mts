/** The folder of a usable CLI that is already there, or undefined. */
export function findPulumi(): string | undefined;
/** Finds, downloads or builds the Pulumi CLI; the folder to put in front of PATH. */
export function obtainPulumi(say?: (line: string) => void): Promise<string>;
