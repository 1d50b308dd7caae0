import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failure-report.js';
import { simulate } from './simulate.js';

interface Regression {
  seed: number;
  why: string;
}
const regressions = JSON.parse(
  readFileSync(new URL('regressions.json', import.meta.url), 'utf8'),
) as Regression[];

describe('seeds that once failed', () => {
  it.each(regressions)('seed $seed holds: $why', async ({ seed }) => {
    expect(failureOf(await simulate(seed))).toBeUndefined();
  });
});
