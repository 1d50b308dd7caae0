import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { operations } from '../../protocol/batch/operations.js';
import { OUTPUT, conformanceTable, gaps } from '../../scripts/conformance-table.mjs';

describe('the conformance table', () => {
  it('has a test of an unchanged client or a raw request for every served operation', () => {
    expect(gaps(operations)).toEqual([]);
  });
  it('is the one that the operations and the tests make; if not: npm run conformance-table', () => {
    const path = fileURLToPath(new URL(`../../${OUTPUT}`, import.meta.url));
    expect(readFileSync(path, 'utf8')).toBe(conformanceTable(operations));
  });
  it('would miss an operation that nobody tests', () => {
    const invented = {
      id: 'Pool_Invented',
      method: 'POST',
      path: '/invented',
      success: 200,
    } as const;
    expect(gaps([...operations, invented])).toContain('Pool_Invented: no test uses it');
  });
});
