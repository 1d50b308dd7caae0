import type { Readable } from 'node:stream';
import type { SendRequest } from './enrol.js';

const IDLE_MS = 60_000;

/**
 * Sends the bytes of a file that the controller asked for as the body of a request of our own. Without
 * `bytes` nobody knows how many there will be, nor when.
 */
export async function sendStream(
  send: SendRequest,
  link: { controllerUrl: string; nodeKey: string; incarnation: number; secret: string },
  id: string,
  bytes: number | undefined,
  body: Readable,
): Promise<void> {
  const response = await send(
    new URL(`/agent/streams/${encodeURIComponent(id)}`, link.controllerUrl),
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${link.secret}`,
        'x-batchyard-node': `${link.nodeKey};${link.incarnation}`,
        'content-type': 'application/octet-stream',
        ...(bytes === undefined ? {} : { 'content-length': bytes }),
      },
      body,
      ...(bytes === undefined ? { isLong: true, idleMs: 0 } : { idleMs: IDLE_MS }),
    },
  );
  response.resume();
  if ((response.statusCode ?? 0) >= 300) {
    throw new Error(
      `the controller answered the bytes of a file with status ${response.statusCode}`,
    );
  }
}
