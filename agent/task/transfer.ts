import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import {
  parseTransferLimits,
  type TransferLimits as Limits,
} from '../../protocol/agent/transfers.js';
import { HttpTimeout, type HttpClient, type HttpOptions } from '../node/http.js';
import { Stopped } from './failure.js';

/** How patient transfers are: all that the protocol names. */
export type TransferLimits = Required<Limits>;

const DEFAULTS: TransferLimits = {
  triesMax: 5,
  retryMs: 200,
  idleMs: 60_000,
  parallel: 4,
  progressBytes: 1024 * 1024,
  singlePutBytes: 256 * 1024 * 1024,
  blockBytes: 16 * 1024 * 1024,
};

/** Those of this agent: of its environment, and then of its controller. */
export const TRANSFER_LIMITS: TransferLimits = {
  ...DEFAULTS,
  ...parseTransferLimits(process.env.BATCHYARD_TRANSFERS ?? ''),
};

/** What the controller says holds for every transfer that begins. */
export function limitTransfers(by: Limits): void {
  Object.assign(TRANSFER_LIMITS, by);
}

const REDIRECTS_MAX = 5;

/** Why a transfer did not come about, before it gets the name that its direction gives it. */
export class TransferFailure extends Error {
  constructor(
    readonly kind: 'denied' | 'missing' | 'conflict' | 'timeout' | 'other',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'TransferFailure';
  }
}

/** A URL without what authorises it: the only form that enters messages and logs. */
export const bare = (url: URL) => `${url.origin}${url.pathname}`;

/** Follows redirects and judges the status; a body that is not wanted is let go. */
export async function exchange(
  client: HttpClient,
  start: URL,
  options: HttpOptions,
): Promise<IncomingMessage> {
  let url = start;
  for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
    const response = await client.request(url, options);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    response.resume();
    const location = response.headers.location;
    if (
      [301, 302, 303, 307, 308].includes(status) &&
      location !== undefined &&
      options.method === 'GET'
    ) {
      url = new URL(location, url);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') break;
      continue;
    }
    throw statusFailure(status, start);
  }
  throw new TransferFailure('other', `${bare(start)} redirects more than ${REDIRECTS_MAX} times`);
}

/** The network or a busy server: another try may do. */
export class Retryable extends TransferFailure {}

function statusFailure(status: number, url: URL): TransferFailure {
  const text = `${bare(url)} answered with status ${status}`;
  if (status === 401 || status === 403) return new TransferFailure('denied', text);
  if (status === 404 || status === 410) return new TransferFailure('missing', text);
  if (status === 409 || status === 412) return new TransferFailure('conflict', text);
  if (status === 408 || status === 504) return new Retryable('timeout', text);
  if (status === 429 || status >= 500) return new Retryable('other', text);
  return new TransferFailure('other', text);
}

/**
 * Tries a transfer again with growing pauses while what fails is the network or a busy server. Throws
 * TransferFailure when the tries are used up, Stopped when `signal` says so, and anything else that
 * `attempt` throws (a full disk) at once. An attempt that came forward calls `restartCount`.
 */
export async function withRetries<Result>(
  limits: TransferLimits,
  signal: AbortSignal,
  url: URL,
  attempt: (restartCount: () => void) => Promise<Result>,
): Promise<Result> {
  for (let attemptNumber = 1; ; attemptNumber += 1) {
    try {
      return await attempt(() => (attemptNumber = 0));
    } catch (error) {
      if (signal.aborted) throw new Stopped();
      const failure = asTransferFailure(error, url);
      if (failure === undefined) throw error;
      if (!(failure instanceof Retryable) || attemptNumber >= limits.triesMax) throw failure;
      await pause(limits.retryMs * 2 ** Math.max(0, attemptNumber - 1), undefined, {
        signal,
      }).catch(() => {
        throw new Stopped();
      });
    }
  }
}

const NETWORK =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|HPE_)/;

function asTransferFailure(error: unknown, url: URL): TransferFailure | undefined {
  if (error instanceof TransferFailure) return error;
  if (error instanceof HttpTimeout)
    return new Retryable('timeout', error.message, { cause: error });
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ETIMEDOUT')
    return new Retryable('timeout', `${bare(url)}: ${message}`, { cause: error });
  if (NETWORK.test(code))
    return new Retryable('other', `${bare(url)}: ${message}`, { cause: error });
  if (/certificate|SSL|TLS/i.test(`${code} ${message}`)) {
    return new TransferFailure('other', `${bare(url)}: ${message}`, { cause: error });
  }
  return undefined;
}

/** Runs `work` for every item, few at once; the first failure stops the rest and is thrown. */
export async function inParallel<Item>(
  items: readonly Item[],
  parallel: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (!failed && next < items.length) {
      const item = items[next] as Item; // `next` is below the length
      next += 1;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(
    Array.from({ length: Math.min(parallel, items.length) }, lane),
  );
  for (const result of lanes) if (result.status === 'rejected') throw result.reason;
}
