import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A web server that answers what a test tells it to, and keeps what is put there. */
export class FakeStorage {
  /** By path: the body, or how to answer. */
  readonly files = new Map<
    string,
    string | Buffer | ((request: IncomingMessage, response: ServerResponse) => void)
  >();
  readonly puts = new Map<
    string,
    { body: Buffer; headers: IncomingMessage['headers']; query: string }
  >();
  /** Status for PUTs below a path. */
  readonly putStatus = new Map<string, number>();
  /** The first PUT below a path gets this status. */
  readonly putOnce = new Map<string, number>();
  /** Every PUT that was accepted, in their order. */
  readonly allPuts: {
    path: string;
    query: URLSearchParams;
    body: Buffer;
    headers: IncomingMessage['headers'];
  }[] = [];
  /** How long a list of blocks is worked on before the answer. */
  listDelayMs = 0;
  readonly requests: string[] = [];
  #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<FakeStorage> {
    const storage = new FakeStorage();
    await new Promise<void>((resolve) => storage.#server.listen(0, '127.0.0.1', resolve));
    return storage;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Cuts the next connection as soon as it is there. */
  cutNext(): void {
    this.#server.once('connection', (socket) => socket.destroy());
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://storage');
    this.requests.push(`${request.method} ${request.url}`);
    if (request.method === 'PUT') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const refused = [...this.putStatus, ...this.putOnce].find(([prefix]) =>
        url.pathname.startsWith(prefix),
      );
      if (refused === undefined) {
        const [body, { headers }] = [Buffer.concat(chunks), request];
        this.puts.set(url.pathname, { body, headers, query: url.search });
        this.allPuts.push({ path: url.pathname, query: url.searchParams, body, headers });
      } else this.putOnce.delete(refused[0]);
      if (url.searchParams.get('comp') === 'blocklist') await pause(this.listDelayMs);
      response.writeHead(refused?.[1] ?? 201).end();
      return;
    }
    const file = this.files.get(decodeURIComponent(url.pathname));
    if (typeof file === 'function') file(request, response);
    else if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200).end(file);
  }
}
