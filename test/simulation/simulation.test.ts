import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FailureKind } from './failure.js';
import { checkers } from './checkers/all.js';
import { addUp, type Coverage } from './coverage.js';
import { CANARIES, type Canary } from './plant.js';
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
  it('200 seeds keep every promise and come to rest, and show all that worlds must show', async () => {
    const seen: Coverage['counts'][] = [];
    for (let seed = 1; seed <= 200; seed += 1) {
      const outcome = await simulate(seed);
      expect(failureOf(outcome)).toBeUndefined();
      seen.push(outcome.coverage);
    }
    // Seen in thousands of worlds, and by an example of its own in test/core.
    const { groupPreempted: _rare, ...sums } = addUp(seen);
    const missing = Object.entries(sums).filter(([, count]) => count === 0);
    expect(missing).toEqual([]);
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
  const FOUND_BY: Record<Canary, [FailureKind, checker: string]> = {
    lostCommit: ['safety', 'acknowledged'],
    leaseUnchecked: ['safety', 'leases'],
    slotsUnchecked: ['safety', 'slots'],
    endsUnreported: ['liveness', 'convergence'],
    countsOff: ['safety', 'counts'],
    completionTwice: ['safety', 'completion'],
    versionsLost: ['safety', 'life-cycles'],
    dependencyUnseen: ['safety', 'dependencies'],
    preparationUnseen: ['safety', 'preparation'],
    priorityReversed: ['safety', 'priority'],
    roomOvertold: ['safety', 'capacity'],
    drainingUntold: ['safety', 'capacity'],
    samplesLeft: ['safety', 'samples'],
    memoryWrong: ['safety', 'invariants'],
    wavesUntold: ['safety', 'waves'],
  };

  it('there is one for every checker', () => {
    const found = new Set(Object.values(FOUND_BY).map(([, checker]) => checker));
    // What waits too long takes too long to plant: cases/turns.test.ts shows that it is found.
    const watching = checkers().flatMap(({ name }) => (name === 'turns' ? [] : [name]));
    const names = [...watching, 'invariants', 'convergence'];
    expect([...found].sort()).toEqual(names.sort());
  });

  it.each(CANARIES)('%s', async (canary) => {
    const [kind, checker] = FOUND_BY[canary];
    const found = new Set<string>();
    // Where it was found last it is most likely to be found again.
    const from = canary === 'leaseUnchecked' ? 60 : 1;
    for (let n = 0; n < SEEDS_MAX && !found.has(`${kind} ${checker}`); n += 1) {
      const seed = from + n;
      const { failure } = await simulate(seed, { canary });
      if (failure !== undefined) found.add(`${failure.kind} ${failure.checker}`);
    }
    expect([...found]).toContain(`${kind} ${checker}`);
  });
});
