/**
 * Blobs as files: `DIR/{account}/{container}/{path}` (see blob-path.ts). A file holds the content,
 * then its properties as JSON, then the JSON's length in 4 bytes: one rename puts both in place.
 * Content is written to `DIR/.drafts` first; drafts of a process that died are removed at the start.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { folderName } from '../container-name.js';
import { BlobRefused } from '../object-store.js';
import type {
  BlobListing,
  BlobName,
  BlobProperties,
  BlobSettings,
  ObjectStore,
  OpenBlob,
  PutLimits,
} from '../object-store.js';
import { blobPath } from './blob-path.js';
import { namesBelow } from './names-below.js';

const LENGTH_BYTES = 4;
const PROPERTIES_BYTES_MAX = 64 * 1024;

export class DiskStore implements ObjectStore {
  private constructor(private readonly directory: string) {}

  static async open(directory: string): Promise<DiskStore> {
    const drafts = join(directory, '.drafts');
    await rm(drafts, { recursive: true, force: true });
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    return new DiskStore(directory);
  }

  async createContainer(account: string, container: string): Promise<boolean> {
    const folder = this.mustFolder(account, container);
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    try {
      await mkdir(folder, { mode: 0o700 });
      await syncFolder(dirname(folder));
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  async hasContainer(account: string, container: string): Promise<boolean> {
    const folder = this.folder(account, container);
    return folder !== undefined && (await isThere(folder));
  }

  async deleteContainer(account: string, container: string): Promise<boolean> {
    const folder = this.folder(account, container);
    if (folder === undefined) return false;
    const grave = this.draft();
    try {
      await rename(folder, grave);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    await rm(grave, { recursive: true, force: true });
    return true;
  }

  async put(
    name: BlobName,
    body: Readable,
    settings: BlobSettings,
    limits: PutLimits,
  ): Promise<BlobProperties | undefined> {
    const folder = this.mustFolder(name.account, name.container);
    const parts = blobPath(name.blob);
    if (parts === undefined)
      throw new BlobRefused(
        'InvalidResourceName',
        `blob name ${JSON.stringify(name.blob)} is empty or too long`,
      );
    if (!(await isThere(folder))) return undefined;
    const draft = this.draft();
    try {
      const properties = await writeDraft(draft, name.blob, body, settings, limits);
      const placed = await place(draft, folder, parts, limits.onlyIfNew ?? false);
      return placed ? properties : undefined;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async open(name: BlobName): Promise<OpenBlob | undefined> {
    const path = this.pathOf(name);
    const handle = path === undefined ? undefined : await openIfThere(path);
    if (handle === undefined) return undefined;
    try {
      const properties = await readProperties(handle);
      return {
        properties,
        // The handle keeps the content it was opened on, whatever replaces the blob meanwhile.
        read: (start, end) =>
          Promise.resolve(handle.createReadStream({ start, end, autoClose: true })),
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async delete(name: BlobName): Promise<boolean> {
    const path = this.pathOf(name);
    const folder = this.folder(name.account, name.container);
    if (path === undefined || folder === undefined) return false;
    try {
      await unlink(path);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return false;
      throw error;
    }
    await syncFolder(dirname(path));
    for (let above = dirname(path); above !== folder; above = dirname(above)) {
      if (!(await removedIfEmpty(above))) break;
    }
    return true;
  }

  async list(
    account: string,
    container: string,
    page: { prefix: string; marker: string; limit: number },
  ): Promise<BlobListing | undefined> {
    const folder = this.folder(account, container);
    if (folder === undefined || !(await isThere(folder))) return undefined;
    const blobs: BlobProperties[] = [];
    for await (const name of namesBelow(folder, page.prefix, page.marker)) {
      if (blobs.length === page.limit) return { blobs, nextMarker: name };
      const blob = await this.open({ account, container, blob: name });
      // One that was deleted since its name was read is left out.
      if (blob === undefined) continue;
      blobs.push(blob.properties);
      await blob.close();
    }
    return { blobs };
  }

  private folder(account: string, container: string): string | undefined {
    const [upper, lower] = [folderName(account), folderName(container)];
    return upper === undefined || lower === undefined
      ? undefined
      : join(this.directory, upper, lower);
  }

  private mustFolder(account: string, container: string): string {
    const folder = this.folder(account, container);
    if (folder !== undefined) return folder;
    throw new BlobRefused(
      'InvalidResourceName',
      `container name ${JSON.stringify(container)}: allowed are 1 to 63 lower-case letters, digits and single dashes`,
    );
  }

  private pathOf(name: BlobName): string | undefined {
    const folder = this.folder(name.account, name.container);
    const parts = blobPath(name.blob);
    return folder === undefined || parts === undefined ? undefined : join(folder, ...parts);
  }

  private draft(): string {
    return join(this.directory, '.drafts', randomBytes(12).toString('hex'));
  }
}

async function writeDraft(
  draft: string,
  name: string,
  body: Readable,
  settings: BlobSettings,
  limits: { bytesMax: number; contentMd5?: string },
): Promise<BlobProperties> {
  const handle = await open(draft, 'wx', 0o600);
  try {
    const md5 = createHash('md5');
    let contentLength = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      contentLength += chunk.length;
      if (contentLength > limits.bytesMax) {
        throw new BlobRefused(
          'RequestBodyTooLarge',
          `a blob may have ${String(limits.bytesMax)} bytes`,
        );
      }
      md5.update(chunk);
      await writeAll(handle, chunk);
    }
    const contentMd5 = md5.digest('base64');
    if (limits.contentMd5 !== undefined && limits.contentMd5 !== contentMd5) {
      throw new BlobRefused(
        'Md5Mismatch',
        `Content-MD5 is ${limits.contentMd5}, the body's is ${contentMd5}`,
      );
    }
    const properties: BlobProperties = {
      ...settings,
      name,
      contentLength,
      contentMd5,
      lastModified: Date.now(),
      etag: `0x8D${randomBytes(7).toString('hex').toUpperCase().slice(1)}`,
    };
    const json = Buffer.from(JSON.stringify(properties));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(json.length);
    await writeAll(handle, Buffer.concat([json, length]));
    await handle.sync();
    return properties;
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
}

/** False: the container has gone meanwhile. */
async function place(
  draft: string,
  folder: string,
  parts: string[],
  onlyIfNew: boolean,
): Promise<boolean> {
  const target = join(folder, ...parts);
  // A delete may remove the empty folder between mkdir and rename: then once more.
  for (let triesLeft = 5; ; triesLeft -= 1) {
    if (!(await isThere(folder))) return false;
    try {
      if (parts.length > 1) await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      if (onlyIfNew) await link(draft, target);
      else await rename(draft, target);
      await syncFolder(dirname(target));
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') {
        throw new BlobRefused('BlobAlreadyExists', 'The specified blob already exists.');
      }
      if (triesLeft === 0 || codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

async function readProperties(handle: FileHandle): Promise<BlobProperties> {
  const { size } = await handle.stat();
  const length = Buffer.alloc(LENGTH_BYTES);
  await handle.read(length, 0, LENGTH_BYTES, size - LENGTH_BYTES);
  const bytes = length.readUInt32BE();
  if (bytes > PROPERTIES_BYTES_MAX || bytes > size)
    throw new Error('a blob file has no properties at its end');
  const json = Buffer.alloc(bytes);
  await handle.read(json, 0, bytes, size - LENGTH_BYTES - bytes);
  return JSON.parse(json.toString('utf8')) as BlobProperties;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function removedIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error))) return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await openIfThere(folder);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';
