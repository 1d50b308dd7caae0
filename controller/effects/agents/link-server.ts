import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { NodeKey } from '../../../protocol/keys.js';
import type { StateView } from '../../engine/ports.js';
import { equalSecrets, hashSecret } from '../authority/constant-time.js';
import type { LinkIdentity, Sessions } from './sessions.js';

/** The largest message of an agent: a list of 1001 files with long names fits many times. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** 401: not this secret. 410: the node or this incarnation of it is no more, the agent may end itself. */
export type Refusal = 401 | 410;

/** Whose secret a request of an agent carries (bearer token and `x-batchyard-node: {nodeKey};{incarnation}`). */
export function identifyAgent(
  request: IncomingMessage,
  view: StateView,
): { nodeKey: NodeKey; incarnation: number } | Refusal {
  const secret = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const said = /^([^;]+);(\d{1,9})$/.exec(String(request.headers['x-batchyard-node'] ?? ''));
  if (secret === undefined || said === null) return 401;
  const [nodeKey, incarnation] = [said[1] as NodeKey, Number(said[2])];
  const node = view.nodes.get(nodeKey);
  if (node === undefined || incarnation < node.incarnation) return 410;
  const known = node.incarnation === incarnation ? node.secretHash : undefined;
  return known !== undefined && equalSecrets(hashSecret(secret), known)
    ? { nodeKey, incarnation }
    : 401;
}

/** Upgrades `/agent/link` of agents that prove who they are. */
export class LinkServer {
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    clientTracking: false,
  });

  constructor(
    private readonly view: () => StateView,
    private readonly sessions: Sessions,
  ) {}

  /** `baseUrl`: the controller's URL as the agent reached it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, baseUrl: string): void {
    const who = identifyAgent(request, this.view());
    if (typeof who === 'number') {
      refuse(socket, who);
      return;
    }
    const identity: LinkIdentity = { ...who, baseUrl };
    this.server.handleUpgrade(request, socket, head, (link) => {
      this.sessions.accept(link, identity);
    });
  }
}

/** Answers an upgrade with a plain HTTP status and ends the connection. */
export function refuse(socket: Duplex, status: 401 | 404 | 410 | 503): void {
  const text = { 401: 'Unauthorized', 404: 'Not Found', 410: 'Gone', 503: 'Service Unavailable' }[
    status
  ];
  socket.once('error', () => {
    socket.destroy();
  });
  socket.end(
    `HTTP/1.1 ${String(status)} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}
