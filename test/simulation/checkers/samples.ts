import { check } from '../failure.js';
import type { Checker } from '../observers.js';

const NAME = 'samples';

/** The history of samples is written in rows of ten minutes at most, and goes with its pool. */
export function samplesChecker(): Checker {
  return {
    name: NAME,
    committed({ changes }, { committed }) {
      for (const { kind, key, after } of changes) {
        if (kind === 'pool' && after === undefined)
          for (const row of committed.tables.sampleWindow.values())
            check(row.pool !== key, NAME, () => `${row.key} is left of a pool that is gone`);
        if (kind !== 'sampleWindow' || after === undefined) continue;
        const { pool } = after;
        check(committed.tables.pool.has(pool), NAME, () => `${key} is of a pool that is gone`);
        const slots = Object.values(after.samples).map((runs) =>
          runs.reduce((total, run) => total + run[1], 0),
        );
        check(slots.length > 0 && Math.max(...slots) <= 20, NAME, () => `${key} has a wrong size`);
      }
    },
  };
}
