import { join } from 'node:path';
import type { Logger } from 'pino';
import { ConfigurationError } from '../config/failure.js';
import type { Configuration, Storage } from '../config/schema.js';
import { AzureBlobStore } from '../effects/objects/azure-blob/azure-blob-store.js';
import { BoundedStore, within } from '../effects/objects/bounded-store.js';
import { DiskStore } from '../effects/objects/disk/disk-store.js';
import type { ObjectStore } from '../effects/objects/object-store.js';
import { S3Store } from '../effects/objects/s3/s3-store.js';
import { ObjectStoreFailure } from '../effects/objects/store-failure.js';

/**
 * Opens the configured object store. Throws ConfigurationError when the backend refuses; one that can't
 * be reached at the moment holds nothing up: it is asked again with every request.
 */
export async function openObjects(
  { data, storage }: Configuration,
  log: Logger,
): Promise<ObjectStore> {
  if (storage.kind === 'disk') return DiskStore.open(join(data, 'objects'));
  const store = await openRemote(storage);
  try {
    await within(storage.answerLimit, store.check());
  } catch (error) {
    if (!(error instanceof ObjectStoreFailure)) throw error;
    if (error.status !== undefined && error.status < 500) {
      throw new ConfigurationError(`storage: ${error.message}`, { cause: error });
    }
    log.warn({ err: error }, 'the object store does not answer; everything else goes on');
  }
  return new BoundedStore(store, storage.answerLimit);
}

type Remote = Exclude<Storage, { kind: 'disk' }>;

function openRemote(storage: Remote): Promise<S3Store | AzureBlobStore> {
  if (storage.kind === 's3') {
    const { accessKeyId, secretAccessKey, endpoint } = storage;
    return S3Store.open({
      ...storage,
      forcePathStyle: storage.forcePathStyle ?? endpoint !== undefined,
      credentials:
        accessKeyId === undefined || secretAccessKey === undefined
          ? undefined
          : { accessKeyId, secretAccessKey },
    });
  }
  const accountKey = storage.accountKey ?? process.env['AZURE_STORAGE_KEY'];
  if (accountKey === undefined) {
    throw new ConfigurationError(
      'storage (accountKey): is missing: name it there or in the environment as AZURE_STORAGE_KEY',
    );
  }
  const endpoint = storage.endpoint ?? `https://${storage.accountName}.blob.core.windows.net`;
  return AzureBlobStore.open({ ...storage, accountKey, endpoint });
}

/** How long URLs of the backend live that downloads are redirected to; undefined: no redirects. */
export const directUrlLifetimeMs = (storage: Storage): number | undefined =>
  storage.kind !== 'disk' && storage.directDownloads ? storage.directUrlLifetime : undefined;
