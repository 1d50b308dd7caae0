/**
 * The open links, one for each node at most. The socket is authenticated before it is upgraded; a
 * session begins with the agent's `hello` and takes the place of an older link of the same
 * incarnation. Everything an agent says is checked against the protocol's schema, then becomes an
 * event of the engine (or the answer to a question); nothing here changes state.
 */
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { ToController } from '../../../protocol/agent/message.js';
import { PROTOCOL_VERSION } from '../../../protocol/agent/version.js';
import type { AgentResponse } from '../../../protocol/agent/request.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { Event } from '../../core/event.js';
import type { Log } from '../log.js';
import { AgentSession, CLOSE_PROTOCOL, CLOSE_REPLACED } from './session.js';

export interface SessionsPorts {
  report(event: Event): void;
  /** The answer to a request that this controller sent. */
  answered(session: AgentSession, id: string, response: AgentResponse): void;
  /** After the session is out of the table. */
  ended(session: AgentSession): void;
  now(): number;
  log: Log;
}

/** Who opened a socket, as its authentication found. */
export interface LinkIdentity {
  nodeKey: NodeKey;
  incarnation: number;
  baseUrl: string;
}

const HELLO_TIMEOUT_MS = 10_000;
/** Agents that are sent to before anything else is done: more of them would keep replies waiting. */
const PROMPT_MAX = 16;

export class Sessions {
  private readonly open = new Map<NodeKey, AgentSession>();
  private readonly sockets = new Set<WebSocket>();
  /** Those with something to send, soon. */
  private toFlush: AgentSession[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ports: SessionsPorts,
    /** A link that is silent for longer is cut. */
    private readonly silenceMsMax: number,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.cutSilent();
    }, this.silenceMsMax / 2);
  }

  get(nodeKey: NodeKey, incarnation?: number): AgentSession | undefined {
    const session = this.open.get(nodeKey);
    return incarnation === undefined || session?.incarnation === incarnation ? session : undefined;
  }

  /** Takes an upgraded socket; it must say hello before anything else. */
  accept(socket: WebSocket, identity: LinkIdentity): void {
    this.sockets.add(socket);
    let session: AgentSession | undefined;
    const helloTimer = setTimeout(() => {
      socket.close(CLOSE_PROTOCOL, 'no hello in time');
    }, HELLO_TIMEOUT_MS);
    socket.on('message', (data, isBinary) => {
      const message = isBinary ? undefined : readMessage(data as Buffer);
      if (message === undefined) {
        this.ports.log.warn({ node: identity.nodeKey }, 'an agent sent what is no message');
        socket.close(CLOSE_PROTOCOL, 'not a message of the protocol');
        return;
      }
      if (session === undefined) {
        clearTimeout(helloTimer);
        session = this.begin(socket, identity, message);
        return;
      }
      session.lastHeardAt = this.ports.now();
      this.receive(session, message);
    });
    socket.on('error', (error) => {
      // `close` follows; ws has answered an oversized or broken frame with its own close code.
      this.ports.log.warn({ err: error, node: identity.nodeKey }, 'the link of an agent failed');
    });
    socket.once('close', () => {
      clearTimeout(helloTimer);
      this.sockets.delete(socket);
      if (session !== undefined) this.end(session);
    });
  }

  /** Ends all links; agents go on and call again. */
  stop(): void {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.terminate();
  }

  private begin(
    socket: WebSocket,
    identity: LinkIdentity,
    message: ToController,
  ): AgentSession | undefined {
    if (message.type !== 'hello' || message.protocolVersion !== PROTOCOL_VERSION) {
      const said =
        message.type === 'hello' ? `version ${String(message.protocolVersion)}` : message.type;
      this.ports.log.warn({ node: identity.nodeKey, said }, 'an agent of another protocol');
      socket.close(CLOSE_PROTOCOL, `protocol version ${String(PROTOCOL_VERSION)} is spoken here`);
      return undefined;
    }
    const { nodeKey, incarnation, baseUrl } = identity;
    const session = new AgentSession(
      randomUUID(),
      nodeKey,
      incarnation,
      baseUrl,
      socket,
      this.ports.log,
      this.ports.now(),
      (due) => {
        this.flushSoon(due);
      },
    );
    const before = this.open.get(nodeKey);
    this.open.set(nodeKey, session);
    before?.close(CLOSE_REPLACED, 'a newer link of this node is open');
    const { agentVersion, configured, resumed, held, remarks, ipAddress, lastSequence } = message;
    this.ports.report({
      type: 'agentConnected',
      nodeKey,
      incarnation,
      sessionId: session.id,
      agentVersion,
      configured,
      ...(resumed === undefined ? {} : { resumed }),
      held,
      remarks,
      ...(ipAddress === undefined ? {} : { ipAddress }),
      ...(lastSequence === undefined ? {} : { lastSequence }),
    });
    return session;
  }

  private receive(session: AgentSession, message: ToController): void {
    // One that was replaced may still have had something on its way: its successor says it again.
    if (this.open.get(session.nodeKey) !== session) return;
    const { nodeKey, incarnation } = session;
    switch (message.type) {
      case 'hello':
        session.close(CLOSE_PROTOCOL, 'hello came twice');
        return;
      case 'heartbeat':
        this.ports.report({
          type: 'heartbeatReceived',
          nodeKey,
          incarnation,
          heartbeat: message.number,
          ...(message.metrics === undefined ? {} : { metrics: message.metrics }),
        });
        return;
      case 'events':
        this.ports.report({ type: 'agentReported', nodeKey, incarnation, events: message.events });
        return;
      case 'response':
        this.ports.answered(session, message.id, message.response);
        return;
    }
  }

  /** What a tick has for few agents leaves before the replies of that tick are written; for many, after them. */
  private flushSoon(session: AgentSession): void {
    this.toFlush.push(session);
    if (this.toFlush.length > 1) return;
    queueMicrotask(() => {
      if (this.toFlush.length <= PROMPT_MAX) this.flush();
      else
        setImmediate(() => {
          this.flush();
        });
    });
  }

  private flush(): void {
    const due = this.toFlush;
    this.toFlush = [];
    for (const each of due) each.flush();
  }

  private end(session: AgentSession): void {
    const { nodeKey, incarnation, id } = session;
    if (this.open.get(nodeKey) === session) this.open.delete(nodeKey);
    this.ports.report({ type: 'agentDisconnected', nodeKey, incarnation, sessionId: id });
    this.ports.ended(session);
  }

  private cutSilent(): void {
    const limit = this.ports.now() - this.silenceMsMax;
    for (const session of this.open.values()) {
      if (session.lastHeardAt >= limit) continue;
      this.ports.log.info({ node: session.nodeKey }, 'cuts a silent link');
      session.terminate();
    }
  }
}

function readMessage(data: Buffer): ToController | undefined {
  try {
    return ToController.safeParse(JSON.parse(data.toString('utf8'))).data;
  } catch {
    // Not JSON: no message either.
    return undefined;
  }
}
