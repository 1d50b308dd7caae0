import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until `look` returns something (not undefined, not false) and returns it. A condition on
 * state, looked at again and again: never a notification that may be missed.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  options: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + (options.timeoutMs ?? 20_000);
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await delay(options.intervalMs ?? 25);
  }
}
