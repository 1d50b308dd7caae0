import { METRICS, type MetricName } from './names.js';
import { SAMPLE_PERIOD_MS, Series, slotOf } from './series.js';
import { Totals } from './totals.js';

/** One sample of every metric; a metric that nothing can be said about (no node reports) is left out. */
export type Sample = { readonly [Name in MetricName]?: number };

/** The recent past of one pool; sample-window.ts writes it down every minute. */
export class PoolSamples {
  readonly #series = new Map<MetricName, Series>();
  readonly totals = new Totals();
  /** The slot at which its samples were last written, and the windows that the store has of them. */
  saved: number;
  readonly windows = new Set<number>();

  /** @param startedAt when the first sample was taken, epoch milliseconds */
  constructor(readonly startedAt: number) {
    this.saved = slotOf(startedAt);
  }

  /** Keeps a sample; within one period the last one counts. */
  put(now: number, sample: Sample): void {
    for (const name of METRICS) {
      const value = sample[name];
      if (value !== undefined) this.putOne(name, slotOf(now), value);
      else this.#series.get(name)?.put(slotOf(now), NaN);
    }
  }

  /** Keeps a sample of one metric. */
  putOne(name: MetricName, slot: number, value: number): void {
    let series = this.#series.get(name);
    if (series === undefined) this.#series.set(name, (series = new Series()));
    series.put(slot, value);
  }

  /** What the slots `from` to `to` hold, from `from` to the last one that there is. */
  runs(name: MetricName, from: number, to: number): [value: number | null, slots: number][] {
    return this.#series.get(name)?.runsBetween(from, to) ?? [];
  }

  /** The newest `count` samples at most, newest last. */
  latest(name: MetricName, count: number): number[] {
    return this.#series.get(name)?.latest(count) ?? [];
  }

  /** Samples of a span of time with how many there should be; newest last. */
  between(
    name: MetricName,
    start: number,
    end: number,
  ): { samples: number[]; expected: number; percent: number } {
    const expected = Math.max(1, Math.round((end - start) / SAMPLE_PERIOD_MS));
    const last = slotOf(end);
    const samples = this.#series.get(name)?.between(last - expected + 1, last) ?? [];
    return { samples, expected, percent: Math.min(100, (100 * samples.length) / expected) };
  }

  count(name: MetricName): number {
    return this.#series.get(name)?.count ?? 0;
  }

  /** When the oldest sample that is kept was taken. */
  beginTime(name: MetricName): number | undefined {
    const oldest = this.#series.get(name)?.oldest;
    return oldest === undefined ? undefined : Math.max(oldest * SAMPLE_PERIOD_MS, this.startedAt);
  }
}
