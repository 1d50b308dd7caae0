import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FailureKind } from './failure.js';
import type { Canary } from './options.js';
import { simulate, type Outcome } from './simulate.js';

interface Regression {
  seed: number;
  why: string;
}
const regressions = JSON.parse(
  readFileSync(new URL('regressions.json', import.meta.url), 'utf8'),
) as Regression[];

/** What a failing seed looks like in a test report: all that is needed to see it again. */
const failureOf = ({ seed, failure, last }: Outcome) =>
  failure === undefined
    ? undefined
    : `seed ${seed}: ${failure.kind}, ${failure.message}\n${last.join('\n')}\nagain: npm run simulate -- --seed ${seed} --verbose`;

describe('seeds that once failed', () => {
  it.each(regressions)('seed $seed holds: $why', async ({ seed }) => {
    expect(failureOf(await simulate(seed))).toBeUndefined();
  });
});

describe('worlds with faults', () => {
  it('200 seeds keep every promise and come to rest', async () => {
    for (let seed = 1; seed <= 200; seed += 1)
      expect(failureOf(await simulate(seed))).toBeUndefined();
  });

  it('a seed gives the same transitions each time', async () => {
    for (let seed = 1; seed <= 200; seed += 25) {
      const first = await simulate(seed);
      const again = await simulate(seed);
      expect([again.hash, again.transitions]).toEqual([first.hash, first.transitions]);
    }
  });
});

describe('bugs planted on purpose are found', () => {
  /** Not every world has the faults that a planted bug needs: the search ends at the first that has. */
  const SEEDS_MAX = 200;
  const planted: { canary: Canary; kind: FailureKind; checker: string; what: string }[] = [
    { canary: 'lostCommit', kind: 'safety', checker: 'acknowledged', what: 'a lost commit' },
    {
      canary: 'leaseUnchecked',
      kind: 'safety',
      checker: 'leases',
      what: 'a lease that is ignored',
    },
    {
      canary: 'slotsUnchecked',
      kind: 'safety',
      checker: 'slots',
      what: 'slots that are not counted',
    },
    { canary: 'endsUnreported', kind: 'liveness', checker: 'convergence', what: 'ends never told' },
  ];
  it.each(planted)('$what', async ({ canary, kind, checker }) => {
    const found = new Set<string>();
    for (let seed = 1; seed <= SEEDS_MAX && !found.has(`${kind} ${checker}`); seed += 1) {
      const { failure } = await simulate(seed, { canary });
      if (failure !== undefined) found.add(`${failure.kind} ${failure.checker}`);
    }
    expect([...found]).toContain(`${kind} ${checker}`);
  });
});
