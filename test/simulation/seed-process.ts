/** One process of several that run seeds: a seed in, its outcome out. Ends when nobody listens any more. */
import type { Canary } from './plant.js';
import { simulate } from './simulate.js';

process.on('message', ({ seed, canary }: { seed: number; canary?: Canary }) => {
  simulate(seed, canary === undefined ? {} : { canary }).then(
    (outcome) => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

// Whoever asked is gone: so is the use of an answer.
process.on('disconnect', () => process.exit());
