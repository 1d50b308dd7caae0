/** The history of samples as rows: ten minutes of a pool each, so that a minute rewrites little. */
import { sampleWindowKey, type PoolKey, type SampleWindowKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import { METRICS, type MetricName } from './names.js';
import { PoolSamples } from './samples.js';
import { HISTORY_SLOTS, slotOf } from './series.js';

/** Ten minutes of samples. */
const WINDOW_SLOTS = 20;
/** A minute: what a crash may take. */
const SAVE_SLOTS = 2;

/** Values with how many slots each holds for, from the window's first slot on; null: no sample. */
type Runs = [value: number | null, slots: number][];

/** The samples that were taken of a pool in the slots from `window` × WINDOW_SLOTS on. */
export interface SampleWindow {
  readonly key: SampleWindowKey;
  readonly pool: PoolKey;
  readonly window: number;
  /** When the pool's first sample was taken, epoch milliseconds. */
  readonly startedAt: number;
  readonly samples: { readonly [Name in MetricName]?: Runs };
}

const windowOf = (slot: number) => Math.floor(slot / WINDOW_SLOTS);

/** Where a minute has passed since the last time: has the windows written that have grown, and old ones forgotten. */
export function saveSamples(recorder: Recorder, pool: PoolKey, samples: PoolSamples): void {
  const slot = slotOf(recorder.now);
  if (slot < samples.saved + SAVE_SLOTS) return;
  const oldest = windowOf(slot - HISTORY_SLOTS);
  for (const window of samples.windows)
    if (window < oldest) forget(recorder, pool, samples, window);
  for (let at = Math.max(oldest, windowOf(samples.saved)); at <= windowOf(slot); at += 1) {
    const found = read(samples, at);
    if (Object.keys(found).length === 0) continue;
    samples.windows.add(at);
    recorder.changed('sampleWindow', {
      ...rowOf(pool, at),
      startedAt: samples.startedAt,
      samples: found,
    });
  }
  samples.saved = slot;
}

/** The pool is gone, its samples with it. */
export function removeSamples(recorder: Recorder, pool: PoolKey): void {
  const samples = recorder.state.samples.get(pool);
  if (samples === undefined) return;
  for (const window of samples.windows) forget(recorder, pool, samples, window);
}

/**
 * Makes the history of samples again from its rows. What is too old goes; so does what a clock that was
 * ahead has left, for it would stand in the way of every sample until that time has come.
 */
export function restoreSamples(recorder: Recorder, rows: readonly SampleWindow[]): void {
  const { state, now } = recorder;
  const slot = slotOf(now);
  for (const row of [...rows].sort((a, b) => a.window - b.window)) {
    const isOfToday = row.window >= windowOf(slot - HISTORY_SLOTS) && row.window <= windowOf(slot);
    if (!isOfToday || !state.pools.has(row.pool)) {
      recorder.removed('sampleWindow', row);
      continue;
    }
    let samples = state.samples.get(row.pool);
    if (samples === undefined) {
      samples = new PoolSamples(Math.min(row.startedAt, now));
      state.samples.set(row.pool, samples);
    }
    samples.windows.add(row.window);
    for (const name of METRICS) {
      let at = row.window * WINDOW_SLOTS;
      for (const [value, slots] of row.samples[name] ?? [])
        for (const end = at + slots; at < end; at += 1)
          if (value !== null && at <= slot) samples.putOne(name, at, value);
    }
    samples.saved = Math.min(slot, (row.window + 1) * WINDOW_SLOTS - 1);
  }
}

const rowOf = (pool: PoolKey, window: number) => ({
  key: sampleWindowKey(pool, window),
  pool,
  window,
});

function forget(recorder: Recorder, pool: PoolKey, samples: PoolSamples, window: number): void {
  samples.windows.delete(window);
  recorder.removed('sampleWindow', { ...rowOf(pool, window), startedAt: 0, samples: {} });
}

function read(samples: PoolSamples, window: number): SampleWindow['samples'] {
  const first = window * WINDOW_SLOTS;
  const found: { [Name in MetricName]?: Runs } = {};
  for (const name of METRICS) {
    const runs = samples.runs(name, first, first + WINDOW_SLOTS - 1);
    if (runs.some(([value]) => value !== null)) found[name] = runs;
  }
  return found;
}
