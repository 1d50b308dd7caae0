/** What the stores of backends have in common that are asked over a network. */
import { Readable } from 'node:stream';
import type { MeasuredBody } from './measured-body.js';
import type { BlobProperties, BlobSettings, OpenBlob } from './object-store.js';

/** An ETag as ours are: without quotes. */
export const unquoted = (etag: string | undefined) => (etag ?? '').replaceAll('"', '');

/** What a put answers: most of it was measured on the way. */
export const putProperties = (
  name: string,
  settings: BlobSettings,
  { contentLength, contentMd5 }: MeasuredBody,
  { lastModified, etag }: { lastModified: number; etag: string },
): BlobProperties => ({ ...settings, name, contentLength, contentMd5, lastModified, etag });

/**
 * A blob whose content is asked for when it is read.
 * @param download gives the bytes of inclusive positions, of this ETag (quoted, as a condition of the request)
 */
export function remoteBlob(
  properties: BlobProperties,
  download: (start: number, end: number, ifMatch: string, closed: AbortSignal) => Promise<Readable>,
): OpenBlob {
  const closed = new AbortController();
  return {
    properties,
    read: (start, end) =>
      end < start
        ? Promise.resolve(Readable.from([]))
        : download(start, end, `"${properties.etag}"`, closed.signal),
    close: () => {
      closed.abort();
      return Promise.resolve();
    },
  };
}
