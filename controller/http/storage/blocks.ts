/**
 * Put Block and Put Block List: how clients send large blobs. A block waits as a blob of its own in a
 * container that no name of a client leads to, until its list makes them one blob.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type Koa from 'koa';
import { readBlobSettings, setProperties } from './blob.js';
import type { StoragePorts } from './ports.js';
import { StorageError } from './storage-error.js';
import { blockIdsOf } from './xml.js';

/** Never served: `readTarget` refuses its name. */
export const BLOCKS_CONTAINER = 'uncommitted-blocks';
/** The Blob service's own limits. */
const BLOCKS_MAX = 50_000;
const BLOCK_ID_BYTES_MAX = 64;
const LIST_BYTES_MAX = 8 * 1024 * 1024;

interface BlobTarget {
  account: string;
  container: string;
  blob: string;
}

/** Put Block: kept until a list names it; the same id again replaces it. */
export async function putBlock(
  ports: StoragePorts,
  context: Koa.Context,
  target: BlobTarget,
  blockId: string,
): Promise<void> {
  if (!(await ports.blobs.hasContainer(target.account, target.container)))
    throw new StorageError('ContainerNotFound');
  if (Number(context.get('content-length')) > ports.blobBytesMax)
    throw new StorageError('RequestBodyTooLarge', `Allowed are ${ports.blobBytesMax} bytes.`);
  const contentMd5 = context.get('content-md5');
  const name = blockName(target, blockId);
  await ports.blobs.createContainer(target.account, BLOCKS_CONTAINER);
  const stored = await ports.blobs.put(
    name,
    context.req,
    { contentType: 'application/octet-stream', metadata: {} },
    { bytesMax: ports.blobBytesMax, ...(contentMd5 === '' ? {} : { contentMd5 }) },
  );
  if (stored === undefined) throw new StorageError('ContainerNotFound');
  context.body = null;
  context.status = 201;
  if (stored.contentMd5 !== undefined) context.set('Content-MD5', stored.contentMd5);
}

/** Put Block List: the listed blocks, in this order, become the blob. */
export async function putBlockList(
  ports: StoragePorts,
  context: Koa.Context,
  target: BlobTarget,
): Promise<void> {
  const ids = blockIdsOf(await readText(context.req));
  if (ids === undefined || ids.length > BLOCKS_MAX) throw new StorageError('InvalidBlockList');
  const blocks = ids.map((id) => blockName(target, id));
  const stored = await ports.blobs.put(
    target,
    Readable.from(contentOf(ports, blocks)),
    readBlobSettings(context, 'application/octet-stream'),
    { bytesMax: ports.blobBytesMax, onlyIfNew: context.get('if-none-match') === '*' },
  );
  if (stored === undefined) throw new StorageError('ContainerNotFound');
  for (const block of new Set(blocks.map(({ blob }) => blob)))
    await ports.blobs.delete({ ...target, container: BLOCKS_CONTAINER, blob: block });
  context.body = null;
  context.status = 201;
  setProperties(context, stored);
}

async function* contentOf(
  ports: StoragePorts,
  blocks: readonly BlobTarget[],
): AsyncGenerator<Buffer> {
  for (const block of blocks) {
    const opened = await ports.blobs.open(block);
    if (opened === undefined) throw new StorageError('InvalidBlockList');
    try {
      const { contentLength } = opened.properties;
      if (contentLength === 0) continue;
      for await (const chunk of await opened.read(0, contentLength - 1)) yield chunk as Buffer;
    } finally {
      await opened.close();
    }
  }
}

function blockName(target: BlobTarget, blockId: string): BlobTarget {
  const bytes = Buffer.from(blockId, 'base64');
  if (bytes.length === 0 || bytes.length > BLOCK_ID_BYTES_MAX)
    throw new StorageError(
      'InvalidQueryParameterValue',
      `blockid: allowed are base64 texts of 1 to ${BLOCK_ID_BYTES_MAX} bytes.`,
    );
  const blob = createHash('sha256').update(target.blob).digest('hex');
  return {
    account: target.account,
    container: BLOCKS_CONTAINER,
    blob: `${target.container.toLowerCase()}/${blob}/${bytes.toString('hex')}`,
  };
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LIST_BYTES_MAX)
      throw new StorageError('RequestBodyTooLarge', `Allowed are ${LIST_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
