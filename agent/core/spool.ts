import type { AgentEvent, SequencedEvent } from '../../protocol/agent/event.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { EVENTS_PER_MESSAGE_MAX } from './limits.js';
import { attemptId } from './output.js';

/**
 * Events from the moment they happen until the controller says that they are durable. An event gets
 * its number when it is first sent; until then a start whose end is here too is left out.
 *
 * Whoever flushes writes the numbered events down before they are sent; after a restart of the agent
 * `restore` takes them back.
 */
export class Spool {
  #sequence = 0;
  #pending = new Map<string, AgentEvent>();
  #sent: SequencedEvent[] = [];
  #unnamed = 0;
  /** Tries whose end is here and not yet durable. */
  #ended = new Set<string>();

  push(event: AgentEvent): void {
    if (event.type === 'attemptStarted') {
      this.#pending.set(`started ${attemptId(event)}`, event);
    } else {
      if (event.type === 'attemptEnded') {
        this.#pending.delete(`started ${attemptId(event)}`);
        this.#ended.add(attemptId(event));
      }
      this.#pending.set(`${(this.#unnamed += 1)}`, event);
    }
  }

  /** What an earlier process of this agent wrote down, and has not heard of since. */
  restore(sequence: number, events: readonly SequencedEvent[]): void {
    this.#sequence = sequence;
    for (const sequenced of events) {
      this.#sent.push(sequenced);
      const { event } = sequenced;
      if (event.type === 'attemptEnded') this.#ended.add(attemptId(event));
    }
  }

  /** The number of the last event that is here now, once it is sent: with it the controller has heard everything. */
  get lastSequence(): number {
    return this.#sequence + this.#pending.size;
  }

  /** The number of the newest event that has one. */
  get sequence(): number {
    return this.#sequence;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** True while nothing but starts waits: those may wait a little for their ends. */
  get onlyStartsPending(): boolean {
    for (const event of this.#pending.values()) if (event.type !== 'attemptStarted') return false;
    return true;
  }

  /** Numbers all pending events and returns them in messages of limited size. They stay until acknowledged. */
  flush(): SequencedEvent[][] {
    const events: SequencedEvent[] = [];
    for (const event of this.#pending.values()) {
      this.#sequence += 1;
      events.push({ sequence: this.#sequence, event });
    }
    this.#pending.clear();
    for (const event of events) this.#sent.push(event);
    return chunks(events);
  }

  acknowledge(sequence: number): void {
    let count = 0;
    while (count < this.#sent.length && (this.#sent[count]?.sequence ?? Infinity) <= sequence)
      count += 1;
    for (const { event } of this.#sent.splice(0, count)) {
      if (event.type === 'attemptEnded') this.#ended.delete(attemptId(event));
    }
    // A restarted agent of the same incarnation goes on with the numbers of its predecessor.
    if (this.#sequence < sequence) this.#sequence = sequence;
  }

  /** Everything sent over an older link and not acknowledged, to be sent again with its numbers. */
  unacknowledged(): SequencedEvent[][] {
    return chunks(this.#sent);
  }

  /** Whether the end of this try waits here to become durable. */
  hasEnd(attempt: AttemptRef): boolean {
    return this.#ended.has(attemptId(attempt));
  }

  /** Events that are not durable yet, sent or not. */
  *events(): Iterable<AgentEvent> {
    for (const { event } of this.#sent) yield event;
    yield* this.#pending.values();
  }
}

function chunks(events: readonly SequencedEvent[]): SequencedEvent[][] {
  const messages: SequencedEvent[][] = [];
  for (let start = 0; start < events.length; start += EVENTS_PER_MESSAGE_MAX) {
    messages.push(events.slice(start, start + EVENTS_PER_MESSAGE_MAX));
  }
  return messages;
}
