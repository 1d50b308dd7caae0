/** Samples are taken and looked up in periods of this length since the epoch: a period's number is its slot. */
export const SAMPLE_PERIOD_MS = 30_000;
/** 25 hours: a day, and an hour so that a whole day is always there. */
export const HISTORY_SLOTS = 3_000;

export const slotOf = (time: number) => Math.floor(time / SAMPLE_PERIOD_MS);

/**
 * The history of one metric: a value a slot, kept as runs of equal values, so that what does not
 * change costs nothing. Slots without a sample are runs of NaN.
 */
export class Series {
  readonly #values: number[] = [];
  /** The slot after the last of each run. */
  readonly #ends: number[] = [];
  /** The first run that is not forgotten yet, and its first slot. */
  #head = 0;
  #first = 0;

  /** Keeps a sample; a later one of the same slot replaces it. Slots of the past stay as they are. */
  put(slot: number, value: number): void {
    const end = this.#ends.at(-1);
    if (end === undefined) this.#first = slot;
    else if (slot < end - 1) return;
    else if (slot === end - 1) this.#dropLast();
    else if (slot > end) this.#append(slot, NaN);
    this.#append(slot + 1, value);
    this.#forget(slot + 1 - HISTORY_SLOTS);
  }

  /** The newest `count` samples at most, newest last. */
  latest(count: number): number[] {
    return this.#collect(-Infinity, Infinity, count);
  }

  /** The samples of the slots `from` to `to`, newest last. */
  between(from: number, to: number): number[] {
    return this.#collect(from, to, Infinity);
  }

  /** The runs of the slots `from` to `to`, oldest first; null: no sample, which is also what is before the first. */
  runsBetween(from: number, to: number): [value: number | null, slots: number][] {
    const found: [number | null, number][] = [];
    for (let run = this.#ends.length - 1; run >= this.#head; run -= 1) {
      if (this.#end(run) <= from) break;
      const begin = Math.max(this.#begin(run), from);
      const slots = Math.min(this.#end(run), to + 1) - begin;
      if (slots <= 0) continue;
      const value = this.#values[run] ?? NaN;
      found.push([Number.isNaN(value) ? null : value, slots]);
      if (run === this.#head && begin > from) found.push([null, begin - from]);
    }
    return found.reverse();
  }

  get count(): number {
    let count = 0;
    for (let run = this.#head; run < this.#ends.length; run += 1)
      if (!Number.isNaN(this.#values[run])) count += this.#end(run) - this.#begin(run);
    return count;
  }

  /** The slot of the oldest sample. */
  get oldest(): number | undefined {
    for (let run = this.#head; run < this.#ends.length; run += 1)
      if (!Number.isNaN(this.#values[run])) return this.#begin(run);
    return undefined;
  }

  /** Runs that are kept: what the history costs. */
  get runs(): number {
    return this.#ends.length;
  }

  #end(run: number): number {
    return this.#ends[run] ?? this.#first;
  }

  #begin(run: number): number {
    return run === this.#head ? this.#first : this.#end(run - 1);
  }

  #append(end: number, value: number): void {
    const last = this.#values.length - 1;
    if (last >= this.#head && Object.is(this.#values[last], value)) this.#ends[last] = end;
    else {
      this.#values.push(value);
      this.#ends.push(end);
    }
  }

  /** Takes back the newest slot. */
  #dropLast(): void {
    const last = this.#ends.length - 1;
    const end = this.#end(last) - 1;
    if (end > this.#begin(last)) this.#ends[last] = end;
    else {
      this.#values.pop();
      this.#ends.pop();
    }
  }

  #forget(before: number): void {
    while (this.#end(this.#head) <= before && this.#head < this.#ends.length - 1) {
      this.#first = this.#end(this.#head);
      this.#head += 1;
    }
    this.#first = Math.max(this.#first, before);
    if (this.#head < 512 || this.#head < this.#ends.length / 2) return;
    this.#values.splice(0, this.#head);
    this.#ends.splice(0, this.#head);
    this.#head = 0;
  }

  #collect(from: number, to: number, count: number): number[] {
    const found: number[] = [];
    for (let run = this.#ends.length - 1; run >= this.#head; run -= 1) {
      if (this.#end(run) <= from || found.length >= count) break;
      const value = this.#values[run] ?? NaN;
      if (Number.isNaN(value)) continue;
      const slots = Math.min(this.#end(run), to + 1) - Math.max(this.#begin(run), from);
      for (let n = Math.min(slots, count - found.length); n > 0; n -= 1) found.push(value);
    }
    return found.reverse();
  }
}
