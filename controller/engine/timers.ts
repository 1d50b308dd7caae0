import type { Clock } from './ports.js';

/** One wake-up call at a time, for the earliest deadline. */
export class Timers {
  #at = Infinity;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly due: () => void,
  ) {}

  set(at: number): void {
    if (at === this.#at) return;
    this.stop();
    if (at === Infinity) return;
    this.#at = at;
    this.#cancel = this.clock.wakeAt(at, () => {
      this.#at = Infinity;
      this.#cancel = undefined;
      this.due();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Infinity;
  }
}
