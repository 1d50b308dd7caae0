import type { Clock } from './ports.js';
import type { SteadyTime } from './steady-time.js';

/** One wake-up call at a time, for the earliest deadline. */
export class Timers {
  #at = Infinity;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly due: () => void,
  ) {}

  /** The engine's time may be ahead of the clock: what counts is how long is left. */
  set(at: number, time: SteadyTime): void {
    if (at === this.#at) return;
    this.stop();
    if (at === Infinity) return;
    this.#at = at;
    this.#cancel = this.clock.wakeAt(this.clock.now() + time.until(at), () => {
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
