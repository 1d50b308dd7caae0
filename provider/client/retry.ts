import { setTimeout as delay } from 'node:timers/promises';
import { fromClient, ServiceError, UNREACHABLE } from './refusal.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3_000;
/** A controller that restarts is back within this. */
const PATIENCE_MS = 15_000;

/**
 * One call of an official client, tried again with back-off while the controller is away or busy. A
 * write whose answer was lost is thus sent twice: every caller expects "exists already" and the like.
 */
export async function call<Result>(
  what: string,
  endpoint: string,
  send: () => Promise<Result>,
): Promise<Result> {
  const started = Date.now();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await send();
    } catch (error) {
      const ours = fromClient(error, what, endpoint);
      if (!passing(ours) || Date.now() - started + pause > PATIENCE_MS) throw ours;
    }
    await delay(pause);
  }
}

const passing = (error: Error): boolean =>
  error instanceof ServiceError
    ? [429, 500, 502, 503, 504].includes(error.status)
    : (error as { code?: string }).code === UNREACHABLE;
