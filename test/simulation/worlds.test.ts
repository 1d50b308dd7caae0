import { describe, expect, it } from 'vitest';
import { addUp, type Coverage } from './coverage.js';
import { failureOf } from './failure-report.js';
import { simulate } from './simulate.js';

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
