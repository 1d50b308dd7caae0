import type { Effect } from '../core/effect.js';
import type { Effects } from './ports.js';

/** What leaves after the commit of its tick, in order: replies first, then effects. */
export class Outbox {
  #replies: (() => void)[] = [];

  add(reply: () => void): void {
    this.#replies.push(reply);
  }

  release(effects: readonly Effect[], executors: Effects): void {
    const replies = this.#replies;
    this.#replies = [];
    for (const reply of replies) reply();
    if (effects.length > 0) executors.perform(effects);
  }
}
