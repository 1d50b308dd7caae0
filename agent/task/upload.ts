import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { AssignedOutputFile } from '../../protocol/agent/assignment.js';
import type { HttpClient } from '../node/http.js';
import { exchange, inParallel, withRetries, type TransferLimits } from './transfer.js';

type UploadHeaders = AssignedOutputFile['uploadHeaders'];

/** The Blob service's own limit. */
const BLOCKS_MAX = 50_000;
/** A server may copy what it makes of blocks, and says nothing meanwhile: so many bytes a millisecond at least. */
const COMMIT_BYTES_PER_MS = 10_000;
/** Read from the file at once. */
const CHUNK_BYTES = 64 * 1024;
/** Headers of a blob that mean the list itself where they come with a block list. */
const OF_THE_BLOB = /^(content-(type|encoding|language|disposition|md5)|cache-control)$/;

export interface UploadOrder {
  client: HttpClient;
  url: URL;
  /** Read from its start to where it ends now, however much is added meanwhile. */
  file: FileHandle;
  uploadHeaders: UploadHeaders;
  signal: AbortSignal;
  limits: TransferLimits;
}

/**
 * Puts a file as a block blob: in one request, or, beyond `singlePutBytes`, in blocks of which each is
 * tried again alone and several travel at once; the blob is there only when all have arrived.
 * @throws TransferFailure, Stopped
 */
export async function upload(order: UploadOrder): Promise<void> {
  const { size } = await order.file.stat();
  if (size > order.limits.singlePutBytes) return uploadBlocks(order, size);
  await putRange(order, order.url, 0, size, {
    'x-ms-blob-type': 'BlockBlob',
    ...named(order.uploadHeaders, (name) => name),
  });
}

async function uploadBlocks(order: UploadOrder, size: number): Promise<void> {
  const { url, limits } = order;
  const blockBytes = Math.max(limits.blockBytes, Math.ceil(size / BLOCKS_MAX));
  const ids = Array.from({ length: Math.ceil(size / blockBytes) }, (_, at) =>
    Buffer.from(String(at).padStart(6, '0')).toString('base64'),
  );
  await inParallel([...ids.entries()], limits.parallel, async ([at, id]) => {
    const block = new URL(url);
    block.searchParams.set('comp', 'block');
    block.searchParams.set('blockid', id);
    const start = at * blockBytes;
    await putRange(order, block, start, Math.min(blockBytes, size - start), {});
  });
  const list = new URL(url);
  list.searchParams.set('comp', 'blocklist');
  const latest = ids.map((id) => `<Latest>${id}</Latest>`).join('');
  const body = Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><BlockList>${latest}</BlockList>`,
  );
  const headers = {
    'content-type': 'application/xml',
    ...named(order.uploadHeaders, (name) => (OF_THE_BLOB.test(name) ? `x-ms-blob-${name}` : name)),
  };
  const idleMs = Math.ceil(limits.idleMs + size / COMMIT_BYTES_PER_MS);
  const patient = { ...order, limits: { ...limits, idleMs } };
  await put(patient, list, body.length, headers, () => body);
}

function putRange(
  order: UploadOrder,
  url: URL,
  start: number,
  length: number,
  headers: Record<string, string>,
): Promise<void> {
  const body = () =>
    length === 0
      ? undefined
      : Readable.from(chunks(order.file, start, start + length), { objectMode: false });
  return put(order, url, length, headers, body);
}

/** A part of the file. A stream of the handle itself would close it when a line breaks, under the next try. */
async function* chunks(file: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const size = Math.min(CHUNK_BYTES, end - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function put(
  { client, signal, limits }: UploadOrder,
  url: URL,
  length: number,
  headers: Record<string, string>,
  makeBody: () => Parameters<HttpClient['request']>[1]['body'],
): Promise<void> {
  await withRetries(limits, signal, url, async () => {
    const body = makeBody();
    const options = {
      method: 'PUT',
      headers: { 'x-ms-version': '2020-10-02', 'content-length': length, ...headers },
      signal,
      idleMs: limits.idleMs,
      ...(body === undefined ? {} : { body }),
    };
    const response = await exchange(client, url, options);
    response.resume();
  });
}

const named = (headers: UploadHeaders, nameOf: (name: string) => string): Record<string, string> =>
  Object.fromEntries(
    (headers ?? []).map(({ name, value }) => [nameOf(name.toLowerCase()), value ?? '']),
  );
