import { Heap } from './heap.js';

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
  readonly #heap = new Heap<Entry>((a, b) => a.at < b.at);
  /** The earliest armed time of each key: other entries of the key are stale. */
  readonly #armed = new Map<string, number>();

  /** Wakes `key` at `at` or earlier. */
  arm(key: string, at: number): void {
    const present = this.#armed.get(key);
    if (present !== undefined && present <= at) return;
    this.#armed.set(key, at);
    this.#heap.push({ at, key });
  }

  /** When the next entry is due; Infinity when none is. */
  next(): number {
    this.#dropStale();
    return this.#heap.first?.at ?? Infinity;
  }

  /** Takes out every key that is due. */
  take(now: number): string[] {
    const due: string[] = [];
    for (this.#dropStale(); ; this.#dropStale()) {
      const top = this.#heap.first;
      if (top === undefined || top.at > now) return due;
      this.#heap.pop();
      this.#armed.delete(top.key);
      due.push(top.key);
    }
  }

  #dropStale(): void {
    for (;;) {
      const top = this.#heap.first;
      if (top === undefined || this.#armed.get(top.key) === top.at) return;
      this.#heap.pop();
    }
  }
}
