const FIRST_MS = 50;
const MAX_MS = 2_000;

/** Pauses between attempts to reach the controller: quick at first, doubling, each drawn from its upper half. */
export class BackOff {
  #next = FIRST_MS;

  /** The pause before the next attempt, in milliseconds. */
  next(): number {
    const pause = this.#next / 2 + (Math.random() * this.#next) / 2;
    this.#next = Math.min(this.#next * 2, MAX_MS);
    return pause;
  }

  /** The last attempt succeeded. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}
