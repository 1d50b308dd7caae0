import { Heap } from '../../controller/core/heap.js';

interface Entry {
  at: number;
  order: number;
  callback: () => void;
  cancelled: boolean;
}

/** Where every world begins; epoch milliseconds. */
export const BEGINNING = Date.UTC(2030, 0, 1);

/**
 * Virtual time: one heap of everything that is still to happen. Entries of the same instant come in
 * the order in which they were made.
 */
export class Timeline {
  readonly #heap = new Heap<Entry>(earlier);
  #order = 0;
  #now = BEGINNING;

  get now(): number {
    return this.#now;
  }

  /** When the next entry is due; Infinity when none is. */
  get next(): number {
    this.#dropCancelled();
    return this.#heap.first?.at ?? Infinity;
  }

  /** Calls back once at `at` (or now, when that is past); the returned function cancels. */
  at(at: number, callback: () => void): () => void {
    if (at === Infinity) return () => undefined;
    const entry = { at: Math.max(at, this.#now), order: this.#order, callback, cancelled: false };
    this.#order += 1;
    this.#heap.push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  after(ms: number, callback: () => void): () => void {
    return this.at(this.#now + ms, callback);
  }

  /** Goes to the next entry and runs it; false when nothing is due up to `until`. */
  step(until: number): boolean {
    this.#dropCancelled();
    const entry = this.#heap.first;
    if (entry === undefined || entry.at > until) return false;
    this.#heap.pop();
    this.#now = entry.at;
    entry.callback();
    return true;
  }

  /** Lets time pass over an empty stretch. */
  advanceTo(at: number): void {
    if (at > this.#now && at < this.next) this.#now = at;
  }

  #dropCancelled(): void {
    while (this.#heap.first?.cancelled === true) this.#heap.pop();
  }
}

const earlier = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order);

/**
 * Runs every promise turn that is due before time moves on: the callback comes once the microtasks
 * are used up, and no timer is involved.
 */
export const drained = () =>
  new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
