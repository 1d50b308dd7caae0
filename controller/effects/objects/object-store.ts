import type { Readable } from 'node:stream';

/** Where a blob is: names as clients give them. */
export interface BlobName {
  account: string;
  container: string;
  blob: string;
}

/** What is kept with a blob and comes back with it. */
export interface BlobSettings {
  contentType: string;
  contentEncoding?: string;
  cacheControl?: string;
  /** `x-ms-meta-*`, without the prefix. */
  metadata: Record<string, string>;
}

export interface BlobProperties extends BlobSettings {
  name: string;
  contentLength: number;
  /** Base64 of the MD5 of the content. */
  contentMd5: string;
  /** Epoch milliseconds. */
  lastModified: number;
  /** Unquoted. */
  etag: string;
}

export interface BlobListing {
  blobs: BlobProperties[];
  /** The first name of the next page; absent on the last one. */
  nextMarker?: string;
}

/** A blob opened for reading: `read` may be called once; inclusive byte positions. */
export interface OpenBlob {
  properties: BlobProperties;
  read(start: number, end: number): Readable;
  close(): Promise<void>;
}

/**
 * Files of accounts. One blob is whole or not there: a reader sees the old content or the new. A
 * stored blob survives a power cut once `put` has resolved. Names are ordered by their UTF-8 bytes.
 */
export interface ObjectStore {
  /** False: it was there. */
  createContainer(account: string, container: string): Promise<boolean>;
  hasContainer(account: string, container: string): Promise<boolean>;
  /** With everything in it; false: there was none. */
  deleteContainer(account: string, container: string): Promise<boolean>;
  /** Undefined: no such container. Rejects with BlobRefused for a wrong MD5, length or name. */
  put(
    name: BlobName,
    body: Readable,
    settings: BlobSettings,
    limits: { bytesMax: number; contentMd5?: string; onlyIfNew?: boolean },
  ): Promise<BlobProperties | undefined>;
  /** Undefined: no such blob. */
  open(name: BlobName): Promise<OpenBlob | undefined>;
  /** False: there was none. */
  delete(name: BlobName): Promise<boolean>;
  /** Undefined: no such container. From `marker` (inclusive) on, at most `limit` names. */
  list(
    account: string,
    container: string,
    page: { prefix: string; marker: string; limit: number },
  ): Promise<BlobListing | undefined>;
}

/** A put that changed nothing; `code` is the Blob service's. */
export class BlobRefused extends Error {
  constructor(
    readonly code:
      'Md5Mismatch' | 'RequestBodyTooLarge' | 'InvalidResourceName' | 'BlobAlreadyExists',
    message: string,
  ) {
    super(message);
    this.name = 'BlobRefused';
  }
}
