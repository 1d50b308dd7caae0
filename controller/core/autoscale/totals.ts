import { slotOf } from './series.js';

interface Entry {
  slot: number;
  /** Readings at the last sample of an earlier period, and at the last sample of all. */
  before: readonly number[];
  last: readonly number[];
}

/**
 * Turns readings of counters that only grow, one list a node, into what was added since the period
 * before, summed over the nodes. A node that is new adds nothing yet; a counter that began anew adds
 * nothing.
 */
export class Totals {
  #entries = new Map<string, Entry>();

  /** @param readings by node, all lists of the same length */
  step(now: number, readings: ReadonlyMap<string, readonly number[]>): number[] {
    const slot = slotOf(now);
    const entries = new Map<string, Entry>();
    const sums: number[] = [];
    for (const [node, last] of readings) {
      const known = this.#entries.get(node);
      const before = known === undefined ? last : known.slot < slot ? known.last : known.before;
      entries.set(node, { slot, before, last });
      for (const [index, reading] of last.entries())
        sums[index] = (sums[index] ?? 0) + Math.max(0, reading - (before[index] ?? reading));
    }
    this.#entries = entries;
    return sums;
  }
}
