import type { BlobServiceClient, BlockBlobClient } from '@azure/storage-blob';

/** Where blobs are kept, and as whom; see docs/storage.md. */
export interface AzureBlobSettings {
  accountName: string;
  /** Base64. */
  accountKey: string;
  /** With scheme; for azurite with the account's name as its path. */
  endpoint: string;
  /** In front of every container's name. */
  containerPrefix: string;
}

/** The official client, reduced to what the store needs of its module. */
export interface AzureBlobConnection {
  client: BlobServiceClient;
  presign(blob: BlockBlobClient, operation: 'read' | 'write', expiresOn: Date): Promise<string>;
}

const ATTEMPTS_MAX = 3;
const RETRY_DELAY_MS = 200;

/** The module is loaded only here: other controllers need not wait for it. */
export async function connect(settings: AzureBlobSettings): Promise<AzureBlobConnection> {
  const { BlobServiceClient, BlobSASPermissions, StorageSharedKeyCredential } =
    await import('@azure/storage-blob');
  const credential = new StorageSharedKeyCredential(settings.accountName, settings.accountKey);
  const client = new BlobServiceClient(settings.endpoint, credential, {
    retryOptions: { maxTries: ATTEMPTS_MAX, retryDelayInMs: RETRY_DELAY_MS },
  });
  return {
    client,
    presign: (blob, operation, expiresOn) =>
      blob.generateSasUrl({
        expiresOn,
        permissions: BlobSASPermissions.parse(operation === 'read' ? 'r' : 'cw'),
      }),
  };
}
