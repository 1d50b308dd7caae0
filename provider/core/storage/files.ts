import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
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
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** The absolute path of the one file that `source` names. Throws where it is none, or too much of one. */
export async function sourceFile(inputs: Properties): Promise<string> {
  const path = resolve(folderOf(inputs), String(inputs.source));
  const stat = await lstat(path).catch(() => undefined);
  if (!stat?.isFile()) throw new Error(`source: ${path} is not a file`);
  keep(new Map(), '', path, stat.size);
  return path;
}
