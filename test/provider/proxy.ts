import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request: an answer of the test's own, or the controller's, which is then lost. */
type Wish = { status: number; body: unknown } | 'lose the answer' | undefined;

/** Stands between the provider and a real controller. */
export interface Proxy {
  readonly url: string;
  /** `METHOD /path`; undefined: to the controller and back. */
  intercept: (asked: string) => Wish;
  stop(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const server = createServer((incoming, response) => {
    const asked = `${incoming.method ?? ''} ${(incoming.url ?? '').split('?', 1)[0] ?? ''}`;
    const wish = proxy.intercept(asked);
    if (typeof wish === 'object') {
      incoming.resume();
      response.writeHead(wish.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(wish.body));
    } else forward(target, incoming, response, wish === 'lose the answer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intercept: () => undefined,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

function forward(
  target: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  lose: boolean,
): void {
  const { method, headers } = incoming;
  const outgoing = request(new URL(incoming.url ?? '/', target), { method, headers });
  outgoing.on('error', () => incoming.socket.destroy());
  outgoing.on('response', (answer) => {
    if (lose) {
      answer.resume().on('end', () => incoming.socket.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(outgoing);
}
