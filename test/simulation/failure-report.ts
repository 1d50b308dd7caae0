import type { Outcome } from './simulate.js';

/** What a failing seed looks like in a test report: all that is needed to see it again. Undefined: it held. */
export const failureOf = ({ seed, failure, last }: Outcome) =>
  failure === undefined
    ? undefined
    : `seed ${seed}: ${failure.kind}, ${failure.message}\n${last.join('\n')}\nagain: npm run simulate -- --seed ${seed} --verbose`;
