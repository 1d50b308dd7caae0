import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Connection } from '../../agent/link/connection.js';

test('a link on which no welcome comes is given up, and dialled again', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ends: string[] = [];
  const connection = new Connection(
    {
      controllerUrl: `http://127.0.0.1:${port}`,
      nodeKey: 'a/p/n',
      incarnation: 1,
      secret: 's'.repeat(32),
      welcomeWaitMs: 50,
    },
    {
      opened: () => undefined,
      closed: () => ends.push('closed'),
      message: () => undefined,
      refused: () => ends.push('refused'),
      log: () => undefined,
    },
  );
  try {
    connection.dial();
    await once(server, 'connection');
    await once(server, 'connection');
    expect(ends).toEqual(['closed']);
  } finally {
    connection.close();
    for (const client of server.clients) client.terminate();
    await new Promise((closed) => server.close(closed));
  }
});
