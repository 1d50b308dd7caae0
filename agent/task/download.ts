import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, statfs, type FileHandle } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import type { HttpClient } from '../node/http.js';
import { StepFailure } from './failure.js';
import { bare, exchange, Retryable, TransferFailure, withRetries } from './transfer.js';
import type { TransferLimits } from './transfer.js';

/** What to load, and to where. */
export interface DownloadOrder {
  url: URL;
  /** Written afresh, never through a link. What a failure leaves there is the caller's to remove. */
  path: string;
  bytesMax?: number;
}

/**
 * Loads a file in as many answers as it takes: one that breaks off is continued where it ended if the
 * source can prove that the file is still the same (`If-Range` with its `ETag` or `Last-Modified`), and is
 * begun anew otherwise. An MD5 that the source tells (`Content-MD5`, `x-ms-blob-content-md5`) is
 * checked; a wrong one counts as a transfer that failed. Answers with the number of bytes.
 * @throws TransferFailure; Stopped; StepFailure (DiskFull) before the disk is full where the source tells the
 * size; system errors of the disk.
 */
export async function download(
  client: HttpClient,
  order: DownloadOrder,
  signal: AbortSignal,
  limits: TransferLimits,
): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(order.path, flags, 0o600);
  try {
    const loading = new Loading(order, file);
    await withRetries(limits, signal, order.url, (restartCount) =>
      loading.attempt(client, signal, limits, restartCount),
    );
    return loading.received;
  } finally {
    await file.close();
  }
}

/** One file between its answers. */
class Loading {
  /** In the file and in the hash. */
  received = 0;
  #furthest = 0;
  /** Proves that the rest belongs to what is here; absent: the next answer is for the whole file. */
  #validator: string | undefined;
  #md5: string | undefined;
  #hash: Hash | undefined;

  constructor(
    private readonly order: DownloadOrder,
    private readonly file: FileHandle,
  ) {}

  async attempt(
    client: HttpClient,
    signal: AbortSignal,
    limits: TransferLimits,
    restartCount: () => void,
  ): Promise<void> {
    const { url } = this.order;
    const headers: Record<string, string> = { 'x-ms-version': '2020-10-02' };
    const validator = this.received > 0 ? this.#validator : undefined;
    if (validator !== undefined)
      Object.assign(headers, { range: `bytes=${this.received}-`, 'if-range': validator });
    const options = { method: 'GET', headers, signal, idleMs: limits.idleMs };
    const response = await exchange(client, url, options).catch((error: unknown) => {
      throw this.#judge(error);
    });
    try {
      if (response.statusCode !== 206) await this.#begin(response.headers);
      else if (validator === undefined || !this.#fits(response.headers))
        throw this.#outOfPlace('sent another part than the one that was asked for');
      await this.#write(response);
    } finally {
      response.destroy();
      // A long file over a bad line may take many answers, as long as each brings it forward.
      if (this.received - this.#furthest >= limits.progressBytes) restartCount();
      this.#furthest = Math.max(this.#furthest, this.received);
    }
    if (this.#hash !== undefined && this.#hash.digest('base64') !== this.#md5)
      throw this.#outOfPlace(`sent bytes whose MD5 is not ${String(this.#md5)}, as it says itself`);
  }

  async #begin(headers: IncomingHttpHeaders): Promise<void> {
    await this.file.truncate(0);
    this.received = 0;
    const { etag } = headers;
    this.#validator = etag?.startsWith('"') === true ? etag : headers['last-modified'];
    const md5 = headers['x-ms-blob-content-md5'] ?? headers['content-md5'];
    this.#md5 = typeof md5 === 'string' && /^[A-Za-z0-9+/]{22}==$/.test(md5) ? md5 : undefined;
    this.#hash = this.#md5 === undefined ? undefined : createHash('md5');
    const size = Number(headers['content-length'] ?? 0);
    this.#limit(size);
    const { bavail, bsize } = await statfs(dirname(this.order.path));
    if (size <= bavail * bsize) return;
    const text = `${bare(this.order.url)} has ${size} bytes, and the node's disk has ${bavail * bsize} left`;
    throw new StepFailure('DiskFull', 'servererror', `There is no space for a file: ${text}.`);
  }

  #fits(headers: IncomingHttpHeaders): boolean {
    return headers['content-range']?.startsWith(`bytes ${this.received}-`) === true;
  }

  async #write(response: IncomingMessage): Promise<void> {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      this.#limit(this.received + chunk.length);
      for (let at = 0; at < chunk.length;) {
        const { bytesWritten } = await this.file.write(
          chunk,
          at,
          chunk.length - at,
          this.received + at,
        );
        at += bytesWritten;
      }
      this.received += chunk.length;
      this.#hash?.update(chunk);
    }
  }

  #limit(bytes: number): void {
    const { bytesMax, url } = this.order;
    if (bytesMax !== undefined && bytes > bytesMax)
      throw new TransferFailure('other', `${bare(url)} is larger than ${bytesMax} bytes`);
  }

  /** What a server says against the rest of a file is no word about the file: it is asked for the whole. */
  #judge(error: unknown): unknown {
    const isRest = this.received > 0 && this.#validator !== undefined;
    if (!isRest || !(error instanceof TransferFailure) || error instanceof Retryable) return error;
    this.#validator = undefined;
    return new Retryable(error.kind, error.message, { cause: error });
  }

  #outOfPlace(what: string): Retryable {
    this.#validator = undefined;
    return new Retryable('other', `${bare(this.order.url)} ${what}`);
  }
}
