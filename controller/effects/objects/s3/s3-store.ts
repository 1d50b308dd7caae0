/**
 * Blobs as objects of one bucket: `{prefix}{account}/{container}/{blob}`. A blob's name is the end of
 * its key as it stands, so that other programs on the bucket meet the same names. A container is there
 * as long as any key begins with it; an empty object with a key that ends in `{container}/` keeps an
 * empty one. Names that a server refuses (servers on file systems have no `a` beside `a/b`) are refused
 * here with its words.
 */
import { Readable } from 'node:stream';
import type { ListObjectsV2CommandOutput, S3 } from '@aws-sdk/client-s3';
import { checkBlobName, isBlobName } from '../blob-name.js';
import { folderName } from '../container-name.js';
import { MeasuredBody } from '../measured-body.js';
import { BlobRefused } from '../object-store.js';
import type {
  BlobListing,
  BlobName,
  BlobProperties,
  BlobSettings,
  ListedBlob,
  ObjectStore,
  OpenBlob,
  PutLimits,
} from '../object-store.js';
import { putProperties, remoteBlob, unquoted } from '../remote-blob.js';
import { ObjectStoreFailure, isMissing } from '../store-failure.js';
import { connect } from './s3-connection.js';
import type { S3Connection, S3Settings } from './s3-connection.js';
import { withOurWords } from './s3-failure.js';

const KEY_BYTES_MAX = 1024;
const PARTS_MAX = 10_000;
const PARALLEL_PARTS = 3;
/** Of one listing, and of one delete. */
const KEYS_MAX = 1000;
/** Metadata of our own: S3 keeps no MD5 that could be relied on. */
const MD5_KEY = 'batchyard-md5';

export class S3Store implements ObjectStore {
  private constructor(
    private readonly s3: S3,
    private readonly connection: S3Connection,
    private readonly settings: S3Settings,
  ) {}

  static async open(settings: S3Settings): Promise<S3Store> {
    const connection = await connect(settings);
    return new S3Store(connection.s3, connection, settings);
  }

  /** Asks for the bucket; rejects with ObjectStoreFailure where it or the server can't be had. */
  async check(): Promise<void> {
    await withOurWords(`bucket ${this.settings.bucket}`, () =>
      this.s3.headBucket({ Bucket: this.settings.bucket }),
    );
  }

  close(): void {
    this.s3.destroy();
  }

  async createContainer(account: string, container: string): Promise<boolean> {
    const base = this.mustBase(account, container);
    if (await this.hasKeys(base)) return false;
    await withOurWords(base, () => this.s3.putObject({ ...this.at(base), Body: Buffer.alloc(0) }));
    return true;
  }

  async hasContainer(account: string, container: string): Promise<boolean> {
    const base = this.base(account, container);
    return base !== undefined && (await this.hasKeys(base));
  }

  /** The key that stands for the container goes last: what breaks off half-way can be done again. */
  async deleteContainer(account: string, container: string): Promise<boolean> {
    const base = this.base(account, container);
    if (base === undefined || !(await this.hasKeys(base))) return false;
    for (let more = true; more;) {
      const page = await withOurWords(base, () =>
        this.s3.listObjectsV2({
          Bucket: this.settings.bucket,
          Prefix: base,
          StartAfter: base,
          MaxKeys: KEYS_MAX,
        }),
      );
      const keys = (page.Contents ?? []).flatMap(({ Key }) =>
        Key === undefined || Key === base ? [] : [{ Key }],
      );
      if (keys.length > 0) await this.deleteKeys(base, keys);
      more = keys.length > 0;
    }
    await withOurWords(base, () => this.s3.deleteObject(this.at(base)));
    return true;
  }

  async put(
    name: BlobName,
    body: Readable,
    settings: BlobSettings,
    limits: PutLimits,
  ): Promise<BlobProperties | undefined> {
    const base = this.mustBase(name.account, name.container);
    checkBlobName(name.blob, KEY_BYTES_MAX - Buffer.byteLength(base));
    if (!(await this.hasKeys(base))) return undefined;
    const key = base + name.blob;
    const measured = new MeasuredBody(body, limits);
    const etag = await withOurWords(
      key,
      () => this.upload(key, measured, settings, limits.onlyIfNew ?? false),
      'BlobAlreadyExists',
    );
    const stored = await this.properties(name.blob, key);
    const lastModified = stored?.lastModified ?? Date.now();
    return putProperties(name.blob, settings, measured, { lastModified, etag });
  }

  async open(name: BlobName): Promise<OpenBlob | undefined> {
    const key = this.key(name);
    const properties = key === undefined ? undefined : await this.properties(name.blob, key);
    if (key === undefined || properties === undefined) return undefined;
    return remoteBlob(properties, (start, end, ifMatch, closed) =>
      withOurWords(key, async () => {
        const range = `bytes=${String(start)}-${String(end)}`;
        const answer = await this.s3.getObject(
          { ...this.at(key), Range: range, IfMatch: ifMatch },
          { abortSignal: closed },
        );
        return answer.Body as Readable;
      }),
    );
  }

  async delete(name: BlobName): Promise<boolean> {
    const key = this.key(name);
    // S3 itself doesn't tell whether there was one.
    if (key === undefined || (await this.properties(name.blob, key)) === undefined) return false;
    await withOurWords(key, () => this.s3.deleteObject(this.at(key)));
    return true;
  }

  async list(
    account: string,
    container: string,
    page: { prefix: string; marker: string; limit: number },
  ): Promise<BlobListing | undefined> {
    const base = this.base(account, container);
    if (base === undefined || !(await this.hasKeys(base))) return undefined;
    const blobs: ListedBlob[] = [];
    // A name is its own marker: the page goes on behind it. The container's own key is behind nothing.
    for (let after = base + page.marker; blobs.length < page.limit;) {
      const answer: ListObjectsV2CommandOutput = await withOurWords(base, () =>
        this.s3.listObjectsV2({
          Bucket: this.settings.bucket,
          Prefix: base + page.prefix,
          StartAfter: after,
          MaxKeys: Math.min(KEYS_MAX, page.limit - blobs.length),
        }),
      );
      for (const { Key, Size, ETag, LastModified } of answer.Contents ?? []) {
        if (Key === undefined || Key === base) continue;
        blobs.push({
          name: Key.slice(base.length),
          contentLength: Size ?? 0,
          lastModified: LastModified?.getTime() ?? 0,
          etag: unquoted(ETag),
        });
        after = Key;
      }
      if (answer.IsTruncated !== true || answer.Contents?.length === 0) return { blobs };
    }
    const last = blobs.at(-1);
    return { blobs, ...(last === undefined ? {} : { nextMarker: last.name }) };
  }

  async presign(name: BlobName, operation: 'read' | 'write', lifetimeMs: number): Promise<string> {
    const base = this.mustBase(name.account, name.container);
    checkBlobName(name.blob, KEY_BYTES_MAX - Buffer.byteLength(base));
    return this.connection.presign(operation, this.at(base + name.blob), lifetimeMs);
  }

  /** Unquoted ETag of what was stored. */
  private async upload(
    key: string,
    body: MeasuredBody,
    settings: BlobSettings,
    onlyIfNew: boolean,
  ): Promise<string> {
    const partBytes = body.partBytes(PARTS_MAX);
    const parts = body.parts(partBytes);
    const first = await parts.next();
    const second = await parts.next();
    const object = {
      ...this.at(key),
      ...headersOf(settings),
      ...(onlyIfNew && { IfNoneMatch: '*' }),
    };
    if (second.done === true) {
      const Metadata = { ...settings.metadata, [MD5_KEY]: body.contentMd5 };
      const Body = first.done === true ? Buffer.alloc(0) : first.value;
      const stored = await this.s3.putObject({
        ...object,
        Body,
        Metadata,
        ContentMD5: body.contentMd5,
      });
      return unquoted(stored.ETag);
    }
    const begun = [first.value, second.value] as Buffer[];
    const whole = async function* () {
      yield* begun;
      yield* parts;
    };
    // The MD5 is known only at the end, when metadata can no longer be given.
    const stored = await this.connection.uploadParts(
      {
        ...object,
        Metadata: settings.metadata,
        Body: Readable.from(whole(), { objectMode: false }),
      },
      { partSize: partBytes, queueSize: PARALLEL_PARTS },
    );
    return unquoted(stored.ETag);
  }

  private async properties(name: string, key: string): Promise<BlobProperties | undefined> {
    try {
      const head = await withOurWords(key, () => this.s3.headObject(this.at(key)));
      const { [MD5_KEY]: contentMd5, ...metadata } = head.Metadata ?? {};
      return {
        name,
        contentLength: head.ContentLength ?? 0,
        contentType: head.ContentType ?? 'application/octet-stream',
        ...(head.ContentEncoding === undefined ? {} : { contentEncoding: head.ContentEncoding }),
        ...(head.CacheControl === undefined ? {} : { cacheControl: head.CacheControl }),
        metadata,
        ...(contentMd5 === undefined ? {} : { contentMd5 }),
        lastModified: head.LastModified?.getTime() ?? 0,
        etag: unquoted(head.ETag),
      };
    } catch (error) {
      // Servers on file systems answer 400 where a part of the name is a file.
      if (isMissing(error) || (error instanceof ObjectStoreFailure && error.status === 400)) {
        return undefined;
      }
      throw error;
    }
  }

  private async hasKeys(base: string): Promise<boolean> {
    const page = await withOurWords(base, () =>
      this.s3.listObjectsV2({ Bucket: this.settings.bucket, Prefix: base, MaxKeys: 1 }),
    );
    return (page.Contents ?? []).length > 0;
  }

  private async deleteKeys(base: string, keys: { Key: string }[]): Promise<void> {
    const answer = await withOurWords(base, () =>
      this.s3.deleteObjects({
        Bucket: this.settings.bucket,
        Delete: { Objects: keys, Quiet: true },
      }),
    );
    const [failed] = answer.Errors ?? [];
    if (failed !== undefined) {
      throw new Error(`S3: ${String(failed.Key)} can't be deleted: ${String(failed.Code)}`);
    }
  }

  private at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.settings.bucket, Key: key };
  }

  private base(account: string, container: string): string | undefined {
    const [owner, folder] = [folderName(account), folderName(container)];
    return owner === undefined || folder === undefined
      ? undefined
      : `${this.settings.prefix}${owner}/${folder}/`;
  }

  private mustBase(account: string, container: string): string {
    const base = this.base(account, container);
    if (base !== undefined) return base;
    throw new BlobRefused(
      'InvalidResourceName',
      `container ${JSON.stringify(container)}: allowed are letters, digits and single dashes`,
    );
  }

  private key({ account, container, blob }: BlobName): string | undefined {
    const base = this.base(account, container);
    if (base === undefined) return undefined;
    return isBlobName(blob, KEY_BYTES_MAX - Buffer.byteLength(base)) ? base + blob : undefined;
  }
}

const headersOf = ({ contentType, contentEncoding, cacheControl }: BlobSettings) => ({
  ContentType: contentType,
  ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
  ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }),
});
