import type Koa from 'koa';
import type { BlobProperties, StoragePorts } from './ports.js';
import { StorageError } from './storage-error.js';

interface BlobTarget {
  account: string;
  container: string;
  blob: string;
}

/** Put Blob: the whole body becomes the blob, or nothing changes. */
export async function putBlob(
  ports: StoragePorts,
  context: Koa.Context,
  target: BlobTarget,
): Promise<void> {
  const kind = context.get('x-ms-blob-type') || 'BlockBlob';
  if (kind !== 'BlockBlob')
    throw new StorageError('InvalidHeaderValue', 'x-ms-blob-type: allowed is BlockBlob.');
  const announced = Number(context.get('content-length'));
  if (announced > ports.blobBytesMax) {
    throw new StorageError(
      'RequestBodyTooLarge',
      `Allowed are ${String(ports.blobBytesMax)} bytes.`,
    );
  }
  const contentMd5 = context.get('content-md5') || context.get('x-ms-blob-content-md5');
  const stored = await ports.blobs.put(
    target,
    context.req,
    readBlobSettings(context, context.get('content-type') || 'application/octet-stream'),
    {
      bytesMax: ports.blobBytesMax,
      ...(Number.isSafeInteger(announced) ? { bytes: announced } : {}),
      onlyIfNew: context.get('if-none-match') === '*',
      ...(contentMd5 === '' ? {} : { contentMd5 }),
    },
  );
  if (stored === undefined) throw new StorageError('ContainerNotFound');
  context.body = null;
  context.status = 201;
  setProperties(context, stored);
  if (stored.contentMd5 !== undefined) context.set('Content-MD5', stored.contentMd5);
}

/** What a put keeps beside the content. */
export function readBlobSettings(context: Koa.Context, contentType: string) {
  const contentEncoding =
    context.get('x-ms-blob-content-encoding') || context.get('content-encoding');
  const cacheControl = context.get('x-ms-blob-cache-control');
  return {
    contentType: context.get('x-ms-blob-content-type') || contentType,
    ...(contentEncoding === '' ? {} : { contentEncoding }),
    ...(cacheControl === '' ? {} : { cacheControl }),
    metadata: readMetadata(context),
  };
}

export async function deleteBlob(
  ports: StoragePorts,
  context: Koa.Context,
  target: BlobTarget,
): Promise<void> {
  if (!(await ports.blobs.delete(target))) throw await missing(ports, target);
  context.body = null;
  context.status = 202;
}

/** GET and HEAD, whole or a range of it (206); the content streams from the store, or a redirect leads to it. */
export async function getBlob(
  ports: StoragePorts,
  context: Koa.Context,
  target: BlobTarget,
): Promise<void> {
  const blob = await ports.blobs.open(target);
  if (blob === undefined) throw await missing(ports, target);
  let handedOver = false;
  try {
    const { properties } = blob;
    const range = readRange(
      context.get('x-ms-range') || context.get('range'),
      properties.contentLength,
    );
    setProperties(context, properties);
    if (notModified(context, properties)) {
      context.body = null;
      context.status = 304;
      return;
    }
    const direct = context.method === 'GET' ? await directUrl(ports, target) : undefined;
    if (direct !== undefined) {
      context.status = 307;
      context.set('Location', direct);
      // The URL is a key for as long as it lives.
      context.set('Cache-Control', 'no-store');
      return;
    }
    const { start, end } = range ?? { start: 0, end: properties.contentLength - 1 };
    context.status = range === undefined ? 200 : 206;
    context.set('Content-Type', properties.contentType);
    context.set('Accept-Ranges', 'bytes');
    context.set('x-ms-blob-type', 'BlockBlob');
    if (range === undefined) {
      if (properties.contentMd5 !== undefined) context.set('Content-MD5', properties.contentMd5);
    } else
      context.set(
        'Content-Range',
        `bytes ${String(start)}-${String(end)}/${String(properties.contentLength)}`,
      );
    for (const [name, value] of Object.entries(properties.metadata))
      context.set(`x-ms-meta-${name}`, value);
    if (context.method === 'HEAD' || end < start) {
      context.body = end < start ? '' : null;
      context.status = range === undefined ? 200 : 206;
      context.length = end - start + 1;
      return;
    }
    context.body = await blob.read(start, end);
    context.length = end - start + 1;
    handedOver = true;
  } finally {
    if (!handedOver) await blob.close();
  }
}

async function directUrl(
  { blobs, directUrlLifetimeMs }: StoragePorts,
  target: BlobTarget,
): Promise<string | undefined> {
  return directUrlLifetimeMs === undefined
    ? undefined
    : blobs.presign?.(target, 'read', directUrlLifetimeMs);
}

async function missing(ports: StoragePorts, target: BlobTarget): Promise<StorageError> {
  const there = await ports.blobs.hasContainer(target.account, target.container);
  return new StorageError(there ? 'BlobNotFound' : 'ContainerNotFound');
}

export function setProperties(context: Koa.Context, properties: BlobProperties): void {
  context.set('ETag', `"${properties.etag}"`);
  context.set('Last-Modified', new Date(properties.lastModified).toUTCString());
  if (properties.contentEncoding !== undefined)
    context.set('Content-Encoding', properties.contentEncoding);
  if (properties.cacheControl !== undefined) context.set('Cache-Control', properties.cacheControl);
}

function notModified(context: Koa.Context, { etag }: BlobProperties): boolean {
  const names = (header: string) =>
    header.split(',').map((one) => one.trim().replace(/^W\/|"/g, ''));
  const match = context.get('if-match');
  if (match !== '' && !names(match).some((one) => one === '*' || one === etag)) {
    throw new StorageError('ConditionNotMet');
  }
  const noneMatch = context.get('if-none-match');
  return noneMatch !== '' && names(noneMatch).includes(etag);
}

/** Inclusive positions; undefined for the whole. Of several ranges none is honoured, as RFC 9110 allows. */
function readRange(header: string, length: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, length - Number(match[2])) : Number(match[1]);
  const end =
    match[1] === '' || match[2] === '' ? length - 1 : Math.min(Number(match[2]), length - 1);
  if (start >= length || end < start) throw new StorageError('InvalidRange');
  return { start, end };
}

function readMetadata(context: Koa.Context): Record<string, string> {
  const metadata: Record<string, string> = {};
  let size = 0;
  for (const [name, value] of Object.entries(context.headers)) {
    if (!name.startsWith('x-ms-meta-') || typeof value !== 'string') continue;
    size += name.length + value.length;
    metadata[name.slice('x-ms-meta-'.length)] = value;
  }
  // The Blob service's limit for all metadata of a blob.
  if (size > 8192) throw new StorageError('InvalidHeaderValue', 'Metadata may have 8 KiB.');
  return metadata;
}
