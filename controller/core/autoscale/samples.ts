import { METRICS, type MetricName } from './names.js';
import { SAMPLE_PERIOD_MS, Series, slotOf } from './series.js';
import { Totals } from './totals.js';

/** One sample of every metric; a metric that nothing can be said about (no node reports) is left out. */
export type Sample = { readonly [Name in MetricName]?: number };

/** The recent past of one pool, in memory only: a restarted controller begins again. */
export class PoolSamples {
  readonly #series = new Map<MetricName, Series>();
  readonly totals = new Totals();

  /** @param startedAt when the first sample was taken, epoch milliseconds */
  constructor(readonly startedAt: number) {}

  /** Keeps a sample; within one period the last one counts. */
  put(now: number, sample: Sample): void {
    for (const name of METRICS) {
      const value = sample[name];
      const series = this.#series.get(name);
      if (series !== undefined) series.put(slotOf(now), value ?? NaN);
      else if (value !== undefined) {
        const fresh = new Series();
        fresh.put(slotOf(now), value);
        this.#series.set(name, fresh);
      }
    }
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
