import type { WebSocket } from 'ws';
import type { FrameToAgent, ToAgent } from '../../../protocol/agent/message.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { Log } from '../log.js';

/** Unsent bytes beyond which an agent that doesn't read is cut off. */
const BUFFERED_BYTES_MAX = 64 * 1024 * 1024;
/** Private-use codes of RFC 6455 with the reasons an agent may log. */
export const CLOSE_REPLACED = 4001;
export const CLOSE_STALE = 4002;
const CLOSE_FAILED = 4003;
export const CLOSE_PROTOCOL = 4004;

/**
 * One connection of one incarnation. Messages of one moment leave in one frame: assignments merge into
 * one, of leases and acknowledgements only the newest is sent. An acknowledgement alone waits for
 * assignments that are being made.
 */
export class AgentSession {
  lastHeardAt: number;
  /** The state has heard of it: what comes before is of a tick that meant an earlier connection. */
  welcomed = false;
  private readonly outgoing: ToAgent[] = [];
  /** `flush` is going to be called. */
  private isDue = false;
  private work: Promise<void> | undefined;

  constructor(
    readonly id: string,
    readonly nodeKey: NodeKey,
    readonly incarnation: number,
    /** The controller's URL as this node reaches it. */
    readonly baseUrl: string,
    private readonly socket: WebSocket,
    private readonly log: Log,
    now: number,
    /** Has `flush` called when what happens now has happened. */
    private readonly flushSoon: (session: AgentSession) => void,
  ) {
    this.lastHeardAt = now;
  }

  send(message: ToAgent): void {
    this.outgoing.push(message);
    this.due();
  }

  /**
   * Runs `task` after those before it, and at once where there are none: what must reach the agent in
   * order (assign, then stop) stays in order although some of it waits for the store. A failure ends
   * the link: the next one begins with the state's word on what the agent shall hold.
   */
  inOrder(task: () => Promise<void> | void): void {
    if (this.work === undefined) {
      const begun = this.guarded(task);
      if (begun !== undefined) this.follow(begun);
      return;
    }
    this.follow(this.work.then(() => this.guarded(task)));
  }

  close(code: number, reason: string): void {
    this.outgoing.length = 0;
    this.socket.close(code, reason);
  }

  /** For a peer that doesn't answer: no closing handshake is waited for. */
  terminate(): void {
    this.socket.terminate();
  }

  private follow(step: Promise<void>): void {
    const work = step.then(() => {
      if (this.work !== work) return;
      this.work = undefined;
      if (this.outgoing.length > 0) this.due();
    });
    this.work = work;
  }

  private due(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.flushSoon(this);
  }

  private guarded(task: () => Promise<void> | void): Promise<void> | undefined {
    const failed = (error: unknown) => {
      this.log.error({ err: error, node: this.nodeKey }, 'a message to an agent could not be made');
      this.close(CLOSE_FAILED, 'the controller could not make a message');
    };
    try {
      const result = task();
      return result?.catch(failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  /** Sends what has come together. */
  flush(): void {
    this.isDue = false;
    if (this.work !== undefined && this.outgoing.every(({ type }) => type === 'acknowledge'))
      return;
    if (this.outgoing.length === 0 || this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > BUFFERED_BYTES_MAX) {
      this.log.warn({ node: this.nodeKey }, 'cuts off an agent that does not read');
      this.terminate();
      return;
    }
    this.socket.send(JSON.stringify(merged(this.outgoing.splice(0)) satisfies FrameToAgent));
  }
}

/** Order is kept but for leases and acknowledgements, of which the newest says it all. */
function merged(messages: ToAgent[]): ToAgent[] {
  const result: ToAgent[] = [];
  const newest = new Map<ToAgent['type'], ToAgent>();
  for (const message of messages) {
    const before = result.at(-1);
    if (message.type === 'assign' && before?.type === 'assign') {
      before.assignments.push(...message.assignments);
    } else if (message.type === 'lease' || message.type === 'acknowledge') {
      newest.set(message.type, message);
    } else {
      result.push(
        message.type === 'assign' ? { ...message, assignments: [...message.assignments] } : message,
      );
    }
  }
  return [...newest.values(), ...result];
}
