import { mkdir, open, writeFile } from 'node:fs/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';

/** What an archive may hold; tests use smaller figures. */
export interface UnzipLimits {
  filesMax: number;
  /** All files together, unpacked. */
  bytesMax: number;
  /** Unpacked bytes for each packed one, where there are more than `ratioFreeBytes`. */
  ratioMax: number;
  ratioFreeBytes: number;
}

export const UNZIP_LIMITS: UnzipLimits = {
  filesMax: 200_000,
  bytesMax: 64 * 2 ** 30,
  ratioMax: 200,
  ratioFreeBytes: 256 * 2 ** 20,
};
const PATH_LENGTH_MAX = 1024;

/** An archive that is not unpacked, and why; nothing of it was written when its contents are to blame. */
export class ArchiveRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ArchiveRefused';
  }
}

interface Member {
  entry: Entry;
  path: string;
  mode: number;
}
interface Contents {
  directories: Set<string>;
  files: Map<string, Member>;
}

/** The file type within a Unix mode. */
const TYPE = 0o170000;
const LINK = 0o120000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const STORED = 0;
const DEFLATED = 8;

/**
 * Unpacks a zip file of `archiveBytes` into a directory that exists and is empty. The whole directory of
 * the archive is judged before anything is written: paths that leave the target, links and devices,
 * names given twice, and more than the limits allow are refused. Throws ArchiveRefused, or the system's
 * error where the disk is at fault.
 */
export async function unzip(
  file: string,
  archiveBytes: number,
  target: string,
  limits: UnzipLimits,
): Promise<void> {
  const zip = await openPromise(file, { autoClose: false, lazyEntries: true }).catch(
    (error: unknown) => {
      throw refused(error);
    },
  );
  try {
    const { directories, files } = await readContents(zip, archiveBytes, limits);
    for (const directory of directories)
      await mkdir(`${target}/${directory}`, { recursive: true, mode: 0o755 });
    for (const member of files.values()) await extract(zip, member, `${target}/${member.path}`);
  } finally {
    zip.close();
  }
}

async function readContents(
  zip: ZipFile,
  archiveBytes: number,
  limits: UnzipLimits,
): Promise<Contents> {
  if (zip.entryCount > limits.filesMax)
    throw new ArchiveRefused(`it has ${zip.entryCount} entries; allowed are ${limits.filesMax}`);
  const contents: Contents = { directories: new Set(), files: new Map() };
  let packed = 0;
  let unpacked = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      takeEntry(contents, entry);
      packed += entry.compressedSize;
      unpacked += entry.uncompressedSize;
    }
  } catch (error) {
    throw refused(error);
  }
  // Entries that share packed bytes: the trick of the densest bombs.
  if (packed > archiveBytes) throw new ArchiveRefused('its entries overlap');
  if (unpacked > limits.bytesMax)
    throw new ArchiveRefused(`it unpacks to ${unpacked} bytes; allowed are ${limits.bytesMax}`);
  if (unpacked > limits.ratioFreeBytes && unpacked > packed * limits.ratioMax)
    throw new ArchiveRefused(
      `it unpacks to more than ${limits.ratioMax} times its size (${unpacked} bytes)`,
    );
  for (const path of contents.files.keys())
    if (contents.directories.has(path))
      throw new ArchiveRefused(`${JSON.stringify(path)} is both a file and a directory`);
  return contents;
}

function takeEntry(contents: Contents, entry: Entry): void {
  const { fileName } = entry;
  const shown = JSON.stringify(fileName.slice(0, 200));
  const parts = fileName.split('/').filter((part) => part !== '' && part !== '.');
  if (
    fileName.startsWith('/') ||
    /^[A-Za-z]:/.test(fileName) ||
    parts.includes('..') ||
    fileName.includes('\0') ||
    fileName.length > PATH_LENGTH_MAX
  )
    throw new ArchiveRefused(
      `the path ${shown} is not allowed: it must be relative, without "..", and at most ${PATH_LENGTH_MAX} characters`,
    );
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & TYPE;
  if (type !== 0 && type !== REGULAR && type !== DIRECTORY)
    throw new ArchiveRefused(
      `${shown} is ${type === LINK ? 'a symbolic link' : 'no regular file'}; allowed are files and directories`,
    );
  if (entry.isEncrypted()) throw new ArchiveRefused(`${shown} is encrypted`);
  const isDirectory = fileName.endsWith('/') || type === DIRECTORY;
  const path = parts.join('/');
  for (let depth = 1; depth < parts.length + (isDirectory ? 1 : 0); depth += 1)
    contents.directories.add(parts.slice(0, depth).join('/'));
  if (isDirectory) return;
  if (path === '') throw new ArchiveRefused(`the path ${shown} names no file`);
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw new ArchiveRefused(`${shown} is packed by an unknown method`);
  if (contents.files.has(path)) throw new ArchiveRefused(`${shown} is in it twice`);
  // Archives made on systems without Unix modes: anything in them may be a program.
  const permissions = (mode & 0o777) === 0 ? 0o755 : (mode & 0o755) | 0o600;
  contents.files.set(path, { entry, path, mode: permissions });
}

async function extract(zip: ZipFile, { entry, path, mode }: Member, to: string): Promise<void> {
  const handle = await open(to, 'wx', 0o600);
  try {
    const content = await zip.openReadStreamPromise(entry).catch((error: unknown) => {
      throw refused(error, path);
    });
    await writeFile(handle, content).catch((error: unknown) => {
      throw isSystemError(error) ? error : refused(error, path);
    });
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

/** A failure of the disk, as told from one of the archive's own. */
const isSystemError = (error: unknown) => error instanceof Error && 'syscall' in error;

function refused(error: unknown, path?: string): ArchiveRefused {
  if (error instanceof ArchiveRefused) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new ArchiveRefused(path === undefined ? text : `${JSON.stringify(path)}: ${text}`, {
    cause: error,
  });
}
