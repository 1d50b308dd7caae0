import { describe, expect, it } from 'vitest';
import { checkers } from './checkers/all.js';
import type { FailureKind } from './failure.js';
import { CANARIES, type Canary } from './plant.js';
import { simulate } from './simulate.js';

describe('bugs planted on purpose are found', () => {
  /** Not every world has the faults that a planted bug needs: the search ends at the first that has. */
  const SEEDS_MAX = 200;
  /** Where one was found after many others, it is most likely to be found again. */
  const LAST_FOUND: Partial<Record<Canary, number>> = { leaseUnchecked: 60, wavesUntold: 91 };
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
    const from = LAST_FOUND[canary] ?? 1;
    for (let n = 0; n < SEEDS_MAX && !found.has(`${kind} ${checker}`); n += 1) {
      const seed = from + n;
      const { failure } = await simulate(seed, { canary });
      if (failure !== undefined) found.add(`${failure.kind} ${failure.checker}`);
    }
    expect([...found]).toContain(`${kind} ${checker}`);
  });
});
