import type { Readable } from 'node:stream';

interface BlobName {
  account: string;
  container: string;
  blob: string;
}

interface BlobSettings {
  contentType: string;
  contentEncoding?: string;
  cacheControl?: string;
  metadata: Record<string, string>;
}

/** Times are epoch milliseconds, `etag` is unquoted, `contentMd5` base64. */
export interface BlobProperties extends BlobSettings {
  name: string;
  contentLength: number;
  /** Absent where the backend keeps none. */
  contentMd5?: string;
  lastModified: number;
  etag: string;
}

/** What a listing tells of a blob. */
export type ListedBlob = Pick<
  BlobProperties,
  'name' | 'contentLength' | 'lastModified' | 'etag' | 'contentMd5'
> &
  Partial<Pick<BlobProperties, 'contentType'>>;

/** What these endpoints need of the object store (controller/effects/objects/object-store.ts). */
export interface BlobStore {
  createContainer(account: string, container: string): Promise<boolean>;
  hasContainer(account: string, container: string): Promise<boolean>;
  deleteContainer(account: string, container: string): Promise<boolean>;
  put(
    name: BlobName,
    body: Readable,
    settings: BlobSettings,
    limits: { bytesMax: number; bytes?: number; contentMd5?: string; onlyIfNew?: boolean },
  ): Promise<BlobProperties | undefined>;
  open(name: BlobName): Promise<
    | {
        properties: BlobProperties;
        read(start: number, end: number): Promise<Readable>;
        close(): Promise<void>;
      }
    | undefined
  >;
  delete(name: BlobName): Promise<boolean>;
  list(
    account: string,
    container: string,
    page: { prefix: string; marker: string; limit: number },
  ): Promise<{ blobs: ListedBlob[]; nextMarker?: string } | undefined>;
  /** A URL of the backend's own for one blob. */
  presign?(name: BlobName, operation: 'read' | 'write', lifetimeMs: number): Promise<string>;
}

export interface StoragePorts {
  blobs: BlobStore;
  accountExists(account: string): boolean;
  isAdminToken(token: string): boolean;
  /** The signature that a query with these terms must carry. */
  isSignature(
    terms: {
      account: string;
      container: string;
      blob?: string;
      permissions: string;
      expiry: string;
    },
    signature: string,
  ): boolean;
  now(): number;
  blobBytesMax: number;
  /** Accounts are served at `{account}.blob.{storageDomain}` as well. */
  storageDomain?: string | undefined;
  /** Set: GETs are redirected to URLs of the backend that live this long, where it has such. */
  directUrlLifetimeMs?: number | undefined;
}
