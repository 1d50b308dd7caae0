import type { Clock } from './ports.js';

/** Less is drift, or a correction that leases have room for. */
const JUMP_MS = 1_000;

/**
 * The engine's time: the wall clock's, but it never goes back. A clock that was put forward is followed at
 * once, and told, as the time in between never passed for anybody's lease; one that was put back is
 * waited for at half speed, so that leases end late and never early.
 */
export class SteadyTime {
  #monotonic: number;
  /** With the fractions that half speed makes. */
  #exact: number;
  /** How far the wall clock was behind when time was last brought up to date. */
  #ahead = 0;

  constructor(private readonly clock: Clock) {
    this.#monotonic = this.#steady();
    this.#exact = clock.now();
  }

  /** Epoch milliseconds, as of the last `advance`. */
  get now(): number {
    return Math.floor(this.#exact);
  }

  /** Brings `now` up to date; returns by how many milliseconds the clock was put forward. */
  advance(): number {
    const monotonic = this.#steady();
    const passed = Math.max(0, monotonic - this.#monotonic);
    this.#monotonic = monotonic;
    const wall = this.clock.now();
    const forward = wall - (this.#exact + passed);
    this.#exact = Math.max(wall, this.#exact + (forward < 0 ? passed / 2 : passed));
    this.#ahead = this.#exact - wall;
    return forward > JUMP_MS ? Math.round(forward) : 0;
  }

  /** How long it takes until `at`, as things stand. */
  until(at: number): number {
    const left = Math.max(0, at - this.now);
    return Math.ceil(left + Math.min(left, this.#ahead));
  }

  #steady(): number {
    return this.clock.monotonic?.() ?? this.clock.now();
  }
}
