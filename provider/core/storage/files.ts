import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { objectOf, textOf, type Properties } from '../json.js';

const LIMITS = { files: 10_000, fileBytes: 256 * 1024 * 1024 };

/** Where relative paths of a program start: the folder it ran in. */
const folderOf = (inputs: Properties) => textOf(inputs.workingDirectory) ?? process.cwd();

/**
 * The local files of a container: blob name → absolute path. Links are not followed. Throws for a
 * path that is not there or too much of it.
 */
export async function filesOf(inputs: Properties): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const source = textOf(inputs.source);
  if (source !== undefined) await walk(resolve(folderOf(inputs), source), '', found);
  for (const [blob, path] of Object.entries(objectOf(inputs.files))) {
    const absolute = resolve(folderOf(inputs), String(path));
    const stat = await lstat(absolute).catch(() => undefined);
    if (!stat?.isFile()) throw new Error(`files["${blob}"]: ${absolute} is not a file`);
    keep(found, blob, absolute, stat.size);
  }
  return found;
}

async function walk(folder: string, prefix: string, found: Map<string, string>): Promise<void> {
  const stat = await lstat(folder).catch(() => undefined);
  if (!stat?.isDirectory()) throw new Error(`source: ${folder} is not a folder`);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await walk(path, `${prefix}${entry.name}/`, found);
    else if (entry.isFile()) keep(found, `${prefix}${entry.name}`, path, (await lstat(path)).size);
  }
}

function keep(found: Map<string, string>, blob: string, path: string, bytes: number): void {
  if (bytes > LIMITS.fileBytes)
    throw new Error(`${path} has ${bytes} bytes; at most ${LIMITS.fileBytes} are allowed`);
  if (found.size >= LIMITS.files) throw new Error(`more than ${LIMITS.files} files`);
  found.set(blob, path);
}

/** SHA-256 of every file, hex: what decides over an upload. */
export async function digestsOf(files: Map<string, string>): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const [blob, path] of files) digests[blob] = await digestOf(path);
  return digests;
}

/** SHA-256 of a file, hex. */
async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** What `source` of a package names: a zip file, or a folder to be made one. */
export type PackageSource = { zip: string } | { folder: string; files: Map<string, string> };

/** @throws Error where it is neither, or too much of one */
export async function packageSource(inputs: Properties): Promise<PackageSource> {
  const path = resolve(folderOf(inputs), String(inputs.source));
  const stat = await lstat(path).catch(() => undefined);
  if (stat?.isDirectory() === true) {
    const files = new Map<string, string>();
    await walk(path, '', files);
    if (files.size === 0) throw new Error(`source: ${path} holds no file`);
    return { folder: path, files };
  }
  if (stat?.isFile() !== true) throw new Error(`source: ${path} is not a file or a folder`);
  keep(new Map(), '', path, stat.size);
  return { zip: path };
}

/** SHA-256 of the zip file; of a folder over names, modes and contents: the same on every machine. */
export async function packageDigest(source: PackageSource): Promise<string> {
  if ('zip' in source) return digestOf(source.zip);
  const hash = createHash('sha256');
  for (const [name, path] of source.files)
    hash.update(`${name}\0${await modeOf(path)}\0${await digestOf(path)}\n`);
  return hash.digest('hex');
}

/** The bytes to upload. Zips of equal folders are equal: times are left out. */
export async function packageContent(source: PackageSource): Promise<Uint8Array> {
  if ('zip' in source) return readFile(source.zip);
  const zip = new ZipFile();
  for (const [name, path] of source.files)
    zip.addFile(path, name, { mtime: new Date(1980, 0, 1), mode: await modeOf(path) });
  zip.end();
  return buffer(zip.outputStream);
}

/** Programs stay programs; other rights of this machine don't count. */
const modeOf = async (path: string): Promise<number> =>
  ((await lstat(path)).mode & 0o100) === 0 ? 0o100644 : 0o100755;
