import { rootCertificates } from 'node:tls';
import { WebSocket } from 'ws';
import { FrameToAgent, type ToAgent, type ToController } from '../../protocol/agent/message.js';
import { BackOff } from './back-off.js';

export interface ConnectionSettings {
  controllerUrl: string;
  caPem?: string;
  nodeKey: string;
  incarnation: number;
  secret: string;
  /** From the open link to its first message: a host that vanished in between says nothing at all. */
  welcomeWaitMs?: number;
}

export interface ConnectionEvents {
  opened(): void;
  closed(): void;
  message(message: ToAgent): void;
  /** The controller says that this incarnation is over: no attempt will ever succeed. */
  refused(status: number): void;
  log(text: string): void;
}

/** No message of the link is larger: a batch of assignments stays far below. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const HANDSHAKE_WAIT_MS = 10_000;
const WELCOME_WAIT_MS = 10_000;

/**
 * The one link to the controller. It dials, and dials again with pauses for as long as it is not
 * closed; a frame that is not of the protocol ends the connection, since nothing after it could be
 * trusted. A link counts as good, and the pauses start small again, once a message came.
 */
export class Connection {
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #backOff = new BackOff();
  #closed = false;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly events: ConnectionEvents,
  ) {}

  dial(): void {
    const { controllerUrl, caPem, nodeKey, incarnation, secret } = this.settings;
    const url = new URL('/agent/link', controllerUrl);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, {
      headers: {
        authorization: `Bearer ${secret}`,
        'x-batchyard-node': `${nodeKey};${incarnation}`,
      },
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
      handshakeTimeout: HANDSHAKE_WAIT_MS,
      ...(caPem === undefined ? {} : { ca: [...rootCertificates, caPem] }),
    });
    this.#socket = socket;
    let open = false;
    let welcome: NodeJS.Timeout | undefined;
    socket.on('open', () => {
      open = true;
      welcome = setTimeout(
        () => socket.terminate(),
        this.settings.welcomeWaitMs ?? WELCOME_WAIT_MS,
      );
      this.events.opened();
    });
    socket.on('message', (data) => {
      clearTimeout(welcome);
      this.#received(socket, String(data));
    });
    socket.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0;
      request.destroy();
      if (status === 403 || status === 410) this.events.refused(status);
      else this.events.log(`the controller answered the link with status ${status}`);
      this.#again(socket);
    });
    socket.on('error', (error) => this.events.log(`link: ${error.message}`));
    socket.on('close', () => {
      clearTimeout(welcome);
      if (open) this.events.closed();
      this.#again(socket);
    });
  }

  send(message: ToController): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Ends this connection without farewell; the next one is dialled at once. */
  drop(): void {
    this.#socket?.terminate();
  }

  /** For good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #received(socket: WebSocket, text: string): void {
    let messages: FrameToAgent;
    try {
      messages = FrameToAgent.parse(JSON.parse(text));
    } catch (error) {
      // The text may carry secrets of tasks: only what is wrong with its shape is told.
      this.events.log(
        `link: a frame is not of the protocol (${error instanceof Error ? error.name : 'error'})`,
      );
      socket.terminate();
      return;
    }
    this.#backOff.reset();
    for (const message of messages) this.events.message(message);
  }

  #again(socket: WebSocket): void {
    if (this.#closed || this.#socket !== socket) return;
    this.#socket = undefined;
    this.#timer = setTimeout(() => this.dial(), this.#backOff.next());
  }
}
