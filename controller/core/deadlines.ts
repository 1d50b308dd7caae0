interface Entry {
  at: number;
  key: string;
}

/**
 * One heap of points in time at which some entity wants to be looked at again. Nothing here is
 * durable: entities know their own deadlines, and recovery arms them all again. An entry may come
 * early (a lease was renewed since), so whoever is woken looks and arms anew.
 */
export class Deadlines {
  readonly #heap: Entry[] = [];
  /** The earliest armed time of each key: other entries of the key are stale. */
  readonly #armed = new Map<string, number>();

  /** Wakes `key` at `at` or earlier. */
  arm(key: string, at: number): void {
    const present = this.#armed.get(key);
    if (present !== undefined && present <= at) return;
    this.#armed.set(key, at);
    this.#push({ at, key });
  }

  /** When the next entry is due; Infinity when none is. */
  next(): number {
    this.#dropStale();
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Takes out every key that is due. */
  take(now: number): string[] {
    const due: string[] = [];
    for (this.#dropStale(); ; this.#dropStale()) {
      const top = this.#heap[0];
      if (top === undefined || top.at > now) return due;
      this.#pop();
      this.#armed.delete(top.key);
      due.push(top.key);
    }
  }

  #dropStale(): void {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || this.#armed.get(top.key) === top.at) return;
      this.#pop();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || parent.at <= entry.at) break;
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
      if (right !== undefined && right.at < child.at) {
        child = right;
        down += 1;
      }
      if (child.at >= last.at) break;
      heap[i] = child;
      i = down;
    }
    heap[i] = last;
  }
}
