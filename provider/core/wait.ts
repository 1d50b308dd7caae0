import { durationMs } from '../../protocol/time.js';
import { isCode } from './failure.js';
import { objectOf, textOf, type Properties } from './json.js';
import type { Ports } from './ports.js';

const DEFAULT_TIMEOUT_MS = 30 * 60_000;
const FIRST_LOOK_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const FIRST_PROGRESS_MS = 3_000;
const PROGRESS_EVERY_MS = 15_000;

export class TimedOut extends Error {}

/** `timeouts.create` and so on: ISO 8601 durations, 30 minutes where none is given. */
export function timeoutMs(inputs: Properties, step: 'create' | 'update' | 'delete'): number {
  const text = textOf(objectOf(inputs.timeouts)[step]);
  return text === undefined ? DEFAULT_TIMEOUT_MS : durationMs(text);
}

/**
 * Looks again and again until `look` says that it is done. What it says otherwise (`2 of 5 nodes`)
 * becomes a progress line after 3 s and then every 15 s, and part of the error when the time is over.
 */
export async function waitUntil<Done>(
  ports: Ports,
  what: string,
  limitMs: number,
  look: () => Promise<{ done: Done; seen?: never } | { seen: string; done?: never }>,
): Promise<Done> {
  const started = ports.now();
  let pause = FIRST_LOOK_MS;
  let sayAt = started + FIRST_PROGRESS_MS;
  for (;;) {
    const result = await look();
    if (result.seen === undefined) return result.done;
    const now = ports.now();
    if (now - started >= limitMs)
      throw new TimedOut(
        `${what}: not within ${Math.round(limitMs / 1000)} s; last seen: ${result.seen}`,
      );
    if (now >= sayAt) {
      sayAt = now + PROGRESS_EVERY_MS;
      ports.say(`${what}: ${result.seen}, ${Math.round((now - started) / 1000)} s`);
    }
    await ports.sleep(pause);
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
  }
}

/** Asks for the end of an object and waits until the service answers with one of its own not-found codes. */
export async function removeAndWait(
  ports: Ports,
  what: string,
  limitMs: number,
  steps: {
    remove: () => Promise<void>;
    get: () => Promise<Properties>;
    goneCodes: readonly string[];
    goingCode: string;
  },
): Promise<void> {
  try {
    await steps.remove();
  } catch (error) {
    if (isCode(error, ...steps.goneCodes)) return;
    if (!isCode(error, steps.goingCode)) throw error;
  }
  await waitUntil(ports, `${what} is being deleted`, limitMs, async () => {
    try {
      const found = await steps.get();
      return { seen: `state ${String(found.state)}` };
    } catch (error) {
      if (isCode(error, ...steps.goneCodes)) return { done: undefined };
      throw error;
    }
  });
}
