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
  /** Base64 of the MD5 of the content; absent where the backend keeps none (large objects of S3). */
  contentMd5?: string;
  /** Epoch milliseconds. */
  lastModified: number;
  /** Unquoted. */
  etag: string;
}

/** What a listing tells of a blob: not every backend knows its settings without asking for each. */
export type ListedBlob = Pick<
  BlobProperties,
  'name' | 'contentLength' | 'lastModified' | 'etag' | 'contentMd5'
> &
  Partial<Pick<BlobProperties, 'contentType'>>;

export interface BlobListing {
  blobs: ListedBlob[];
  /** Where the next page begins, in the store's own words; absent on the last page. */
  nextMarker?: string;
}

/** A blob opened for reading: `read` may be called once; inclusive byte positions. */
export interface OpenBlob {
  properties: BlobProperties;
  /**
   * The content that was opened, never another: where it has been replaced since and the backend
   * keeps no old content, this rejects with BlobRefused('ConditionNotMet').
   */
  read(start: number, end: number): Promise<Readable>;
  close(): Promise<void>;
}

/** Of one put. */
export interface PutLimits {
  bytesMax: number;
  /** How many bytes are announced, so that a backend can choose the size of its parts. */
  bytes?: number;
  contentMd5?: string;
  onlyIfNew?: boolean;
}

/**
 * Files of accounts. One blob is whole or not there: a reader sees the old content or the new. A
 * stored blob survives a power cut once `put` has resolved (on S3 and Azure: as their makers promise). Names are ordered by their UTF-8 bytes.
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
    limits: PutLimits,
  ): Promise<BlobProperties | undefined>;
  /** Undefined: no such blob. */
  open(name: BlobName): Promise<OpenBlob | undefined>;
  /** False: there was none. */
  delete(name: BlobName): Promise<boolean>;
  /** Undefined: no such container. From where `marker` says on ('': the first), at most `limit` names. */
  list(
    account: string,
    container: string,
    page: { prefix: string; marker: string; limit: number },
  ): Promise<BlobListing | undefined>;
  /**
   * A URL of the backend itself that lets whoever has it read or write this one blob, and nothing
   * else, for `lifetimeMs`. Absent where the backend has no endpoint of its own.
   */
  presign?(name: BlobName, operation: 'read' | 'write', lifetimeMs: number): Promise<string>;
}

/** A refusal that changed nothing; `code` is the Blob service's. */
export class BlobRefused extends Error {
  constructor(
    readonly code:
      | 'Md5Mismatch'
      | 'RequestBodyTooLarge'
      | 'InvalidResourceName'
      | 'BlobAlreadyExists'
      | 'ContainerBeingDeleted'
      | 'ConditionNotMet',
    message: string,
  ) {
    super(message);
    this.name = 'BlobRefused';
  }
}
