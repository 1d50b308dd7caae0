import type { Schema } from './provider-schema.mjs';

export const REFERENCE_FOLDER: string;
/** Name of the page → its text. */
export function referencePages(schema: Schema): Map<string, string>;
