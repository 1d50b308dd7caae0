import type { Operation } from '../protocol/batch/operations.js';

/** Where the table is, from the repository's root. */
export const OUTPUT: string;
/** The text of the table. */
export function conformanceTable(operations: readonly Operation[]): string;
/** Served operations that no test uses, and ids in the differences that do not exist. */
export function gaps(operations: readonly Operation[]): string[];
