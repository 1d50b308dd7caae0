import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ListenAddress {
  host: string;
  port: number;
}

export type RequestHandler = (request: http.IncomingMessage, response: http.ServerResponse) => void;
export type UpgradeHandler = (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void;

/** An address that can't be listened on; the message is one line for the user. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
  }
}

/** The headers of one request may have this, the service's URLs are long. */
const HEADER_BYTES_MAX = 64 * 1024;
/** A request that has begun gets this long to end when the controller stops. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * The sockets of the controller. They are bound first of all, so that a port in use is found before
 * anything is made; until `serve` they answer 503.
 */
export class Listeners {
  private handler: RequestHandler = unavailable;
  private upgradeHandler: UpgradeHandler = (_request, socket) => {
    socket.destroy();
  };

  private constructor(
    private readonly plain: http.Server,
    private readonly secure: https.Server | undefined,
    private readonly hosts: { plain: string; secure: string | undefined },
  ) {
    for (const server of this.servers()) {
      server.on('request', (request, response) => {
        this.handler(request, response);
      });
      server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
        this.upgradeHandler(request, socket, head);
      });
    }
  }

  /** Throws ListenError, having let go of what was bound. */
  static async bind(plain: ListenAddress, secure: ListenAddress | undefined): Promise<Listeners> {
    // Bodies of blobs may take as long as they take; headers may not (Node's default: one minute).
    const options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: 0,
      keepAliveTimeout: 60_000,
    };
    const plainServer = http.createServer(options);
    await bindOne(plainServer, plain, '--listen');
    if (secure === undefined) {
      return new Listeners(plainServer, undefined, { plain: plain.host, secure: undefined });
    }
    const secureServer = https.createServer(options);
    try {
      await bindOne(secureServer, secure, '--tls-listen');
    } catch (error) {
      plainServer.close();
      throw error;
    }
    return new Listeners(plainServer, secureServer, { plain: plain.host, secure: secure.host });
  }

  /** As a client on this machine reaches it. */
  get url(): string {
    return `http://${hostFor(this.hosts.plain)}:${String(portOf(this.plain))}`;
  }

  get tlsUrl(): string | undefined {
    if (this.secure === undefined || this.hosts.secure === undefined) return undefined;
    return `https://${hostFor(this.hosts.secure)}:${String(portOf(this.secure))}`;
  }

  /** Ports that are this controller, for telling own URLs from others. */
  get ports(): number[] {
    return this.servers().map(portOf);
  }

  useCertificate(pair: { certificatePem: string; keyPem: string }): void {
    this.secure?.setSecureContext({
      cert: pair.certificatePem,
      key: pair.keyPem,
      minVersion: 'TLSv1.2',
    });
  }

  serve(handler: RequestHandler, upgrade: UpgradeHandler): void {
    this.handler = handler;
    this.upgradeHandler = upgrade;
  }

  /** Takes no more requests and waits for those that have begun, but not for ever. */
  async close(): Promise<void> {
    const closed = this.servers().map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
          server.closeIdleConnections();
        }),
    );
    const timer = setTimeout(() => {
      for (const server of this.servers()) server.closeAllConnections();
    }, CLOSE_TIMEOUT_MS);
    await Promise.all(closed);
    clearTimeout(timer);
  }

  private servers(): http.Server[] {
    return this.secure === undefined ? [this.plain] : [this.plain, this.secure];
  }
}

function bindOne(server: http.Server, address: ListenAddress, flag: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new ListenError(`${flag} ${address.host}:${String(address.port)}: ${reason(error)}`, {
          cause: error,
        }),
      );
    });
    server.listen(address.port, address.host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the port is in use; name another one, or port 0 to have one picked';
    case 'EACCES':
      return 'this user may not listen there; ports from 1024 on are allowed';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
      return 'the host is no address of this machine; allowed are its addresses, 0.0.0.0 and localhost';
    default:
      return error.message;
  }
}

/** A wildcard address is reached through loopback. */
function hostFor(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

const portOf = (server: http.Server) => (server.address() as AddressInfo).port;

function unavailable(_request: http.IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(503, { 'retry-after': '1', connection: 'close' }).end();
}
