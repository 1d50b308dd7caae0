import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import type { AssignedResourceFile } from '../../protocol/agent/assignment.js';
import type { FailureInfo } from '../../protocol/agent/event.js';
import { readText, type HttpClient } from '../node/http.js';
import { parseContainerList } from './container-list.js';
import { download } from './download.js';
import { diskFailure, StepFailure, Stopped, systemCode } from './failure.js';
import {
  bare,
  exchange,
  inParallel,
  TransferFailure,
  withRetries,
  type TransferLimits,
} from './transfer.js';

const FILE_MODE_DEFAULT = 0o770;
const LIST_BYTES_MAX = 32 * 1024 * 1024;
/** Pages of one container's listing: five million blobs. */
const PAGES_MAX = 1_000;

interface ResourceFile {
  url: URL;
  path: string[];
  mode: number;
}

/**
 * Puts a task's resource files below its working directory. Throws StepFailure with the contract's code
 * for the first that can't be had; what was loaded by then stays for whoever looks why.
 */
export async function downloadResourceFiles(
  client: HttpClient,
  resourceFiles: readonly AssignedResourceFile[],
  workingDirectory: string,
  signal: AbortSignal,
  limits: TransferLimits,
): Promise<void> {
  const downloads: ResourceFile[] = [];
  for (const file of resourceFiles) downloads.push(...(await plan(client, file, signal, limits)));
  const directories = new Set<string>();
  await inParallel(downloads, limits.parallel, async (one) => {
    await makeParents(workingDirectory, one.path, directories);
    await fetchFile(client, one, `${workingDirectory}/${one.path.join('/')}`, signal, limits);
  });
}

async function plan(
  client: HttpClient,
  file: AssignedResourceFile,
  signal: AbortSignal,
  limits: TransferLimits,
): Promise<ResourceFile[]> {
  const mode = fileMode(file.fileMode);
  if (file.httpUrl !== undefined) {
    return [{ url: parseUrl(file.httpUrl), path: insidePath(file.filePath ?? ''), mode }];
  }
  const container = parseUrl(file.storageContainerUrl ?? '');
  const folder =
    file.filePath === undefined || file.filePath === '' ? [] : insidePath(file.filePath);
  const names = await listContainer(client, container, file.blobPrefix ?? '', signal, limits);
  return names.map((name) => ({
    url: blobUrl(container, name),
    path: [...folder, ...insidePath(name)],
    mode,
  }));
}

async function listContainer(
  client: HttpClient,
  container: URL,
  prefix: string,
  signal: AbortSignal,
  limits: TransferLimits,
): Promise<string[]> {
  const names: string[] = [];
  let marker = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const url = new URL(container);
    url.searchParams.set('restype', 'container');
    url.searchParams.set('comp', 'list');
    if (prefix !== '') url.searchParams.set('prefix', prefix);
    if (marker !== '') url.searchParams.set('marker', marker);
    const xml = await withRetries(limits, signal, url, async () => {
      const options = {
        method: 'GET',
        headers: { 'x-ms-version': '2020-10-02' },
        signal,
        idleMs: limits.idleMs,
      };
      return readText(await exchange(client, url, options), LIST_BYTES_MAX);
    }).catch((error: unknown) => {
      const what = `The container ${bare(container)} could not be listed`;
      throw named(error, what, LIST_CODES, [{ name: 'ContainerUrl', value: bare(container) }]);
    });
    const list = parseContainerList(xml);
    for (const blob of list.blobs) if (!blob.name.endsWith('/')) names.push(blob.name);
    marker = list.nextMarker;
    if (marker === '') return names;
  }
  throw new StepFailure(
    'ResourceContainerListMiscError',
    'servererror',
    `The container ${bare(container)} has more than ${PAGES_MAX} pages of blobs.`,
  );
}

async function fetchFile(
  client: HttpClient,
  file: ResourceFile,
  path: string,
  signal: AbortSignal,
  limits: TransferLimits,
): Promise<void> {
  const partial = `${path}.batchyard-part`;
  try {
    await download(client, { url: file.url, path: partial }, signal, limits);
    await setModeAndRename(partial, path, file.mode);
  } catch (error) {
    await rm(partial, { force: true });
    const name = file.path.join('/');
    throw named(error, `The resource file ${name} could not be downloaded`, BLOB_CODES, [
      { name: 'FilePath', value: name },
      { name: 'HttpUrl', value: bare(file.url) },
    ]);
  }
}

async function setModeAndRename(partial: string, path: string, mode: number): Promise<void> {
  const handle = await open(partial, constants.O_RDONLY | constants.O_NOFOLLOW);
  await handle.chmod(mode).finally(() => handle.close());
  await rename(partial, path);
}

/** Makes the directories above a file; one that turns out to be a link or a file is refused. */
async function makeParents(top: string, path: readonly string[], made: Set<string>): Promise<void> {
  let directory = top;
  for (const part of path.slice(0, -1)) {
    directory = `${directory}/${part}`;
    if (made.has(directory)) continue;
    try {
      await mkdir(directory, { mode: 0o770 });
    } catch (error) {
      const existing = systemCode(error) === 'EEXIST' && (await lstat(directory)).isDirectory();
      if (!existing)
        throw diskFailure(
          error,
          'ResourceDirectoryCreateFailed',
          `The directory of the resource file ${path.join('/')} could not be made`,
        );
    }
    made.add(directory);
  }
}

/** Splits a path that must stay inside the working directory. */
function insidePath(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const leaves = path.startsWith('/') || parts.includes('..') || path.includes('\0');
  if (leaves || parts.length === 0) {
    throw new StepFailure(
      'ResourceFileCreateFailed',
      'usererror',
      `The resource file path ${JSON.stringify(path)} is not inside the task's working directory: it must be relative, not empty and without "..".`,
      [{ name: 'FilePath', value: path }],
    );
  }
  return parts;
}

function fileMode(text: string | undefined): number {
  if (text === undefined || text === '') return FILE_MODE_DEFAULT;
  if (!/^(0o)?[0-7]{1,4}$/.test(text)) {
    throw new StepFailure(
      'ResourceFileCreateFailed',
      'usererror',
      `The file mode ${JSON.stringify(text)} is not an octal number such as 0770.`,
    );
  }
  return parseInt(text.replace('0o', ''), 8) & 0o777;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new StepFailure(
    'BlobDownloadMiscError',
    'usererror',
    'The URL of a resource file is not an http or https URL.',
  );
}

/** The blob's URL keeps the container's signature. */
export function blobUrl(container: URL, name: string): URL {
  const url = new URL(container);
  const path = name.split('/').map(encodeURIComponent).join('/');
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url;
}

type Codes = Record<TransferFailure['kind'], string>;
const BLOB_CODES: Codes = {
  denied: 'BlobAccessDenied',
  missing: 'BlobNotFound',
  conflict: 'BlobDownloadMiscError',
  timeout: 'BlobDownloadTimedOut',
  other: 'BlobDownloadMiscError',
};
const LIST_CODES: Codes = {
  denied: 'ResourceContainerAccessDenied',
  missing: 'ResourceContainerNotFound',
  conflict: 'ResourceContainerListMiscError',
  timeout: 'ResourceContainerListTimedOut',
  other: 'ResourceContainerListMiscError',
};

/** The documented details name the file; addresses without their query, which may be a secret. */
function named(error: unknown, what: string, codes: Codes, details: FailureInfo['details']): Error {
  if (error instanceof StepFailure || error instanceof Stopped) return error;
  if (!(error instanceof TransferFailure))
    return diskFailure(error, 'ResourceFileWriteFailed', what);
  const category =
    error.kind === 'denied' || error.kind === 'missing' ? 'usererror' : 'servererror';
  return new StepFailure(codes[error.kind], category, `${what}: ${error.message}`, details, {
    cause: error,
  });
}
