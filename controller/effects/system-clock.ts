import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../engine/ports.js';

/** A timer of Node's holds no more milliseconds than this. */
const TIMER_MS_MAX = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wakeAt(at, callback) {
    let timer: NodeJS.Timeout;
    // Longer waits than a timer holds are made of several.
    const arm = () => {
      const wait = at - Date.now();
      const next = wait > TIMER_MS_MAX ? arm : callback;
      timer = setTimeout(next, Math.min(Math.max(wait, 0), TIMER_MS_MAX));
    };
    arm();
    return () => {
      clearTimeout(timer);
    };
  },
};

export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
