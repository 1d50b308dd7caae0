import { LEASE_MARGIN_MAX_MS, LEASE_MARGIN_PART } from './limits.js';

/**
 * The node's right to run tries. `lease n` reaches `leaseMs` from the sending of heartbeat n by the
 * agent's monotonic clock; the controller counts from the receipt and adds a grace, so the agent
 * always gives up first.
 */
export class Lease {
  #sentAt = new Map<number, number>();
  #number = 0;
  #until = Number.NEGATIVE_INFINITY;
  #margin = 0;
  #leaseMs = 0;

  /** Numbers the next heartbeat, sent now. Numbers go on over reconnects, so a late answer can't be mistaken. */
  heartbeat(monotonic: number): number {
    this.#number += 1;
    this.#sentAt.set(this.#number, monotonic);
    return this.#number;
  }

  /** Takes the answer to heartbeat `number`; an unknown or repeated one changes nothing. */
  renew(number: number, leaseMs: number): void {
    const sentAt = this.#sentAt.get(number);
    if (sentAt === undefined) return;
    for (const older of [...this.#sentAt.keys()]) if (older <= number) this.#sentAt.delete(older);
    if (sentAt + leaseMs <= this.#until) return;
    this.#until = sentAt + leaseMs;
    this.#leaseMs = leaseMs;
    this.#margin = Math.min(leaseMs * LEASE_MARGIN_PART, LEASE_MARGIN_MAX_MS);
  }

  /** The lease that an earlier process of this agent had; `until` by this one's clock. */
  restore(until: number, leaseMs: number): void {
    this.#until = until;
    this.#margin = Math.min(leaseMs * LEASE_MARGIN_PART, LEASE_MARGIN_MAX_MS);
    this.#leaseMs = leaseMs;
  }

  /** When the lease itself ends, by the monotonic clock, and how long it was. */
  get end(): { until: number; leaseMs: number } {
    return { until: this.#until, leaseMs: this.#leaseMs };
  }

  /** Heartbeats that nobody answered yet. */
  get unanswered(): number {
    return this.#sentAt.size;
  }

  /** A new link starts with a clean count; answers to older heartbeats can't come any more. */
  linkClosed(): void {
    this.#sentAt.clear();
  }

  /** When tries must be killed: the lease's end minus the margin that killing needs. */
  get killAt(): number {
    return this.#until - this.#margin;
  }

  /** Between SIGTERM and SIGKILL when the lease ends: half of the margin, the rest is for the dying. */
  get killGraceMs(): number {
    return this.#margin / 2;
  }

  isLive(monotonic: number): boolean {
    return monotonic < this.killAt;
  }
}
