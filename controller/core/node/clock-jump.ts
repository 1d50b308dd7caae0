import type { Recorder } from '../recorder.js';

/**
 * The controller's clock was put forward by so many milliseconds, which did not pass: what counts down a
 * time that agents count too, goes on for as long as before.
 */
export function clockJumped({ state }: Recorder, ms: number): void {
  for (const { session } of state.nodes.values()) {
    session.leaseUntil += ms;
    if (session.retryAt !== undefined) session.retryAt += ms;
    if (session.unconfirmed !== undefined) session.unconfirmed.until += ms;
  }
  for (const { ghosts } of state.loads.values())
    for (const ghost of ghosts.values()) ghost.since += ms;
}
