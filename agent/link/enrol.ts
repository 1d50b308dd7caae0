import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { EnrolRequest } from '../../protocol/agent/enrol.js';

/** The one way to the network, handed in. */
export type SendRequest = (
  url: URL,
  options: {
    method: string;
    headers?: Record<string, string | number>;
    body?: string | Buffer | Readable;
    signal?: AbortSignal;
    isLong?: boolean;
    idleMs: number;
  },
) => Promise<IncomingMessage>;

/** The controller will never take this node: the token is spent, or the incarnation is over. */
export class EnrolmentRefused extends Error {
  constructor(status: number) {
    super(`the controller refused the enrolment for good (status ${status})`);
    this.name = 'EnrolmentRefused';
  }
}

const ANSWER_WAIT_MS = 30_000;

/**
 * Asks once to be enrolled. Throws EnrolmentRefused on 401, 403 and 410; any other failure is worth
 * another try.
 */
export async function enrol(
  send: SendRequest,
  controllerUrl: string,
  request: EnrolRequest,
): Promise<void> {
  const response = await send(new URL('/agent/enrol', controllerUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
    idleMs: ANSWER_WAIT_MS,
  });
  response.resume();
  const status = response.statusCode ?? 0;
  if (status === 401 || status === 403 || status === 410) throw new EnrolmentRefused(status);
  if (status !== 200)
    throw new Error(`the controller answered the enrolment with status ${status}`);
}
