/**
 * Blobs as block blobs of an Azure storage account (or azurite). Container `{container}` of account
 * `{account}` is the container `{prefix}{account}-{container}` there; blobs keep their names.
 */
import type { Readable } from 'node:stream';
import type {
  BlobGetPropertiesResponse,
  BlobItem,
  BlobUploadCommonResponse,
  BlockBlobClient,
  BlockBlobCommitBlockListOptions,
  ContainerClient,
} from '@azure/storage-blob';
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
import { isMissing } from '../store-failure.js';
import { connect } from './azure-blob-connection.js';
import type { AzureBlobConnection, AzureBlobSettings } from './azure-blob-connection.js';
import { withOurWords } from './azure-blob-failure.js';

const CONTAINER_NAME_MAX = 63;
const BLOCKS_MAX = 50_000;

export class AzureBlobStore implements ObjectStore {
  private constructor(
    private readonly connection: AzureBlobConnection,
    private readonly settings: AzureBlobSettings,
  ) {}

  static async open(settings: AzureBlobSettings): Promise<AzureBlobStore> {
    return new AzureBlobStore(await connect(settings), settings);
  }

  /** Asks the storage account; rejects with ObjectStoreFailure where it can't be had. */
  async check(): Promise<void> {
    await withOurWords(`account ${this.settings.accountName}`, () =>
      this.connection.client.getProperties(),
    );
  }

  async createContainer(account: string, container: string): Promise<boolean> {
    const there = this.mustContainer(account, container);
    const made = await withOurWords(there.containerName, () => there.createIfNotExists());
    return made.succeeded;
  }

  async hasContainer(account: string, container: string): Promise<boolean> {
    const there = this.container(account, container);
    return there !== undefined && (await withOurWords(there.containerName, () => there.exists()));
  }

  async deleteContainer(account: string, container: string): Promise<boolean> {
    const there = this.container(account, container);
    if (there === undefined) return false;
    const gone = await withOurWords(there.containerName, () => there.deleteIfExists());
    return gone.succeeded;
  }

  async put(
    name: BlobName,
    body: Readable,
    settings: BlobSettings,
    limits: PutLimits,
  ): Promise<BlobProperties | undefined> {
    const container = this.mustContainer(name.account, name.container);
    checkBlobName(name.blob);
    const measured = new MeasuredBody(body, limits);
    try {
      const stored = await withOurWords(`${container.containerName}/${name.blob}`, () =>
        upload(container.getBlockBlobClient(name.blob), measured, settings, limits),
      );
      const lastModified = stored.lastModified?.getTime() ?? Date.now();
      const etag = unquoted(stored.etag);
      return putProperties(name.blob, settings, measured, { lastModified, etag });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async open(name: BlobName): Promise<OpenBlob | undefined> {
    const blob = this.blob(name);
    const properties = blob === undefined ? undefined : await this.properties(name.blob, blob);
    if (blob === undefined || properties === undefined) return undefined;
    return remoteBlob(properties, async (start, end, ifMatch, closed) => {
      const answer = await withOurWords(blob.name, () =>
        blob.download(start, end - start + 1, {
          conditions: { ifMatch },
          abortSignal: closed,
        }),
      );
      return answer.readableStreamBody as Readable;
    });
  }

  async delete(name: BlobName): Promise<boolean> {
    const blob = this.blob(name);
    if (blob === undefined) return false;
    const gone = await withOurWords(blob.name, () => blob.deleteIfExists()).catch(ifMissing);
    return gone?.succeeded ?? false;
  }

  async list(
    account: string,
    container: string,
    page: { prefix: string; marker: string; limit: number },
  ): Promise<BlobListing | undefined> {
    const there = this.container(account, container);
    if (there === undefined) return undefined;
    const pages = there.listBlobsFlat({ prefix: page.prefix }).byPage({
      maxPageSize: page.limit,
      ...(page.marker === '' ? {} : { continuationToken: page.marker }),
    });
    const answer = await withOurWords(there.containerName, () => pages.next()).catch(ifMissing);
    if (answer === undefined) return undefined;
    if (answer.done === true) return { blobs: [] };
    const { segment, continuationToken } = answer.value;
    return {
      blobs: segment.blobItems.map(listed),
      ...(continuationToken ? { nextMarker: continuationToken } : {}),
    };
  }

  async presign(name: BlobName, operation: 'read' | 'write', lifetimeMs: number): Promise<string> {
    const container = this.mustContainer(name.account, name.container);
    checkBlobName(name.blob);
    const blob = container.getBlockBlobClient(name.blob);
    return this.connection.presign(blob, operation, new Date(Date.now() + lifetimeMs));
  }

  private async properties(
    name: string,
    blob: BlockBlobClient,
  ): Promise<BlobProperties | undefined> {
    const found = await withOurWords(blob.name, () => blob.getProperties()).catch(ifMissing);
    return found === undefined ? undefined : propertiesOf(name, found);
  }

  private container(account: string, container: string): ContainerClient | undefined {
    const [owner, folder] = [folderName(account), folderName(container)];
    if (owner === undefined || folder === undefined || folder === '$root') return undefined;
    const name = `${this.settings.containerPrefix}${owner}-${folder}`;
    return name.length > CONTAINER_NAME_MAX
      ? undefined
      : this.connection.client.getContainerClient(name);
  }

  private mustContainer(account: string, container: string): ContainerClient {
    const there = this.container(account, container);
    if (there !== undefined) return there;
    throw new BlobRefused(
      'InvalidResourceName',
      `container ${JSON.stringify(container)}: allowed are letters, digits and single dashes, ` +
        `${String(CONTAINER_NAME_MAX)} together with the account's name and the configured prefix`,
    );
  }

  private blob(name: BlobName): BlockBlobClient | undefined {
    if (!isBlobName(name.blob)) return undefined;
    return this.container(name.account, name.container)?.getBlockBlobClient(name.blob);
  }
}

/** In one request, or in blocks that are committed at the end: until then the old content stays. */
async function upload(
  blob: BlockBlobClient,
  body: MeasuredBody,
  settings: BlobSettings,
  limits: PutLimits,
): Promise<BlobUploadCommonResponse> {
  const parts = body.parts(body.partBytes(BLOCKS_MAX));
  const first = await parts.next();
  const second = await parts.next();
  if (second.done === true) {
    const content = first.done === true ? Buffer.alloc(0) : first.value;
    return blob.upload(content, content.length, optionsOf(settings, body, limits));
  }
  const blocks: string[] = [];
  const stage = async (block: Buffer) => {
    // All ids of a blob have the same length.
    const id = Buffer.from(String(blocks.length).padStart(8, '0')).toString('base64');
    await blob.stageBlock(id, block, block.length);
    blocks.push(id);
  };
  for (const block of [first.value, second.value]) if (block !== undefined) await stage(block);
  for await (const block of parts) await stage(block);
  return blob.commitBlockList(blocks, optionsOf(settings, body, limits));
}

function optionsOf(
  { contentType, contentEncoding, cacheControl, metadata }: BlobSettings,
  body: MeasuredBody,
  { onlyIfNew }: PutLimits,
): BlockBlobCommitBlockListOptions {
  return {
    blobHTTPHeaders: {
      blobContentType: contentType,
      blobContentMD5: Buffer.from(body.contentMd5, 'base64'),
      ...(contentEncoding === undefined ? {} : { blobContentEncoding: contentEncoding }),
      ...(cacheControl === undefined ? {} : { blobCacheControl: cacheControl }),
    },
    metadata,
    ...(onlyIfNew === true ? { conditions: { ifNoneMatch: '*' } } : {}),
  };
}

/** Undefined for "there is nothing"; any other failure goes on. */
function ifMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}

const md5Of = (md5: Uint8Array | undefined) =>
  md5 === undefined || md5.length === 0 ? {} : { contentMd5: Buffer.from(md5).toString('base64') };

const propertiesOf = (name: string, found: BlobGetPropertiesResponse): BlobProperties => ({
  name,
  contentLength: found.contentLength ?? 0,
  contentType: found.contentType ?? 'application/octet-stream',
  ...(found.contentEncoding ? { contentEncoding: found.contentEncoding } : {}),
  ...(found.cacheControl ? { cacheControl: found.cacheControl } : {}),
  metadata: found.metadata ?? {},
  ...md5Of(found.contentMD5),
  lastModified: found.lastModified?.getTime() ?? 0,
  etag: unquoted(found.etag),
});

const listed = ({ name, properties }: BlobItem): ListedBlob => ({
  name,
  contentLength: properties.contentLength ?? 0,
  ...(properties.contentType === undefined ? {} : { contentType: properties.contentType }),
  ...md5Of(properties.contentMD5),
  lastModified: properties.lastModified.getTime(),
  etag: unquoted(properties.etag),
});
