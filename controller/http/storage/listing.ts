import type { BlobStore } from './ports.js';
import { StorageError } from './storage-error.js';

type Listing = NonNullable<Awaited<ReturnType<BlobStore['list']>>>;

/**
 * A page of a container, flat (no delimiter) or by folder: names that go on after the delimiter are told
 * once, up to it. A page holds at most `limit` names of both kinds.
 */
export async function readListing(
  store: BlobStore,
  account: string,
  container: string,
  page: { prefix: string; marker: string; limit: number },
  delimiter: string,
): Promise<Listing & { folders: string[] }> {
  const blobs: Listing['blobs'] = [];
  const folders = new Set<string>();
  let marker = page.marker;
  for (;;) {
    const limit = page.limit - blobs.length - folders.size;
    const found = await store.list(account, container, { ...page, marker, limit });
    if (found === undefined) throw new StorageError('ContainerNotFound');
    for (const blob of found.blobs) {
      const end = delimiter === '' ? -1 : blob.name.indexOf(delimiter, page.prefix.length);
      if (end < 0) blobs.push(blob);
      else folders.add(blob.name.slice(0, end + delimiter.length));
    }
    marker = found.nextMarker ?? '';
    const isFull = blobs.length + folders.size >= page.limit;
    if (marker === '' || isFull)
      return { blobs, folders: [...folders], ...(marker === '' ? {} : { nextMarker: marker }) };
  }
}
