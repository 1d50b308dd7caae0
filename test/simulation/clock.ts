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
  readonly #heap: Entry[] = [];
  #order = 0;
  #now = BEGINNING;

  get now(): number {
    return this.#now;
  }

  /** When the next entry is due; Infinity when none is. */
  get next(): number {
    this.#dropCancelled();
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Calls back once at `at` (or now, when that is past); the returned function cancels. */
  at(at: number, callback: () => void): () => void {
    if (at === Infinity) return () => undefined;
    const entry = { at: Math.max(at, this.#now), order: this.#order, callback, cancelled: false };
    this.#order += 1;
    this.#push(entry);
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
    const entry = this.#heap[0];
    if (entry === undefined || entry.at > until) return false;
    this.#pop();
    this.#now = entry.at;
    entry.callback();
    return true;
  }

  /** Lets time pass over an empty stretch. */
  advanceTo(at: number): void {
    if (at > this.#now && at < this.next) this.#now = at;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled === true) this.#pop();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || earlier(parent, entry)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && earlier(right, child)) {
        child = right;
        down += 1;
      }
      if (earlier(last, child)) break;
      heap[i] = child;
      i = down;
    }
    heap[i] = last;
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
