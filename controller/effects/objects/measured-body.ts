import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { BlobRefused } from './object-store.js';
import type { PutLimits } from './object-store.js';

/** Bodies up to this size go to a backend in one request, larger ones in parts of at least this size. */
const PART_BYTES_MIN = 8 * 1024 * 1024;

/** A body on its way to a backend: cut into parts, measured and hashed as it passes. */
export class MeasuredBody {
  private readonly md5 = createHash('md5');
  private bytes = 0;

  constructor(
    private readonly body: Readable,
    private readonly limits: PutLimits,
  ) {}

  /** Of `partsMax` parts an announced body may have; memory holds a few of them at a time. */
  partBytes(partsMax: number): number {
    return Math.max(PART_BYTES_MIN, Math.ceil((this.limits.bytes ?? 0) / partsMax));
  }

  /**
   * The body in parts of `partBytes`, the last one shorter; none for an empty body. Throws BlobRefused
   * for a body that is too large or, after the last part, has another MD5 than announced.
   */
  async *parts(partBytes: number): AsyncGenerator<Buffer, void> {
    let chunks: Buffer[] = [];
    let held = 0;
    for await (const chunk of this.body as AsyncIterable<Buffer>) {
      this.measure(chunk);
      let rest = chunk;
      while (held + rest.length >= partBytes) {
        const cut = partBytes - held;
        yield Buffer.concat([...chunks, rest.subarray(0, cut)]);
        rest = rest.subarray(cut);
        [chunks, held] = [[], 0];
      }
      if (rest.length > 0) chunks.push(rest);
      held += rest.length;
    }
    this.digest = this.md5.digest('base64');
    const { contentMd5 } = this.limits;
    if (contentMd5 !== undefined && contentMd5 !== this.digest) {
      throw new BlobRefused(
        'Md5Mismatch',
        `Content-MD5 is ${contentMd5}, the body's is ${this.digest}`,
      );
    }
    if (held > 0) yield Buffer.concat(chunks);
  }

  private digest: string | undefined;

  /** Base64; only after the last part. */
  get contentMd5(): string {
    if (this.digest === undefined) throw new Error('the body has not been read to its end');
    return this.digest;
  }

  get contentLength(): number {
    return this.bytes;
  }

  private measure(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.md5.update(chunk);
    if (this.bytes > this.limits.bytesMax) {
      throw new BlobRefused(
        'RequestBodyTooLarge',
        `a blob may have ${String(this.limits.bytesMax)} bytes`,
      );
    }
  }
}
