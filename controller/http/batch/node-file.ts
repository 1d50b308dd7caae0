import { pipeline } from 'node:stream/promises';
import type {
  AgentRequest,
  AgentResponse,
  FileProperties,
} from '../../../protocol/agent/request.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import type { NodeKey } from '../../../protocol/keys.js';
import { formatTime } from '../../../protocol/time.js';
import { isModified } from '../middleware/conditions.js';
import { afterOf, skipToken } from '../../queries/paging.js';
import type { Call } from '../call.js';
import { idOf } from './call-input.js';
import { sendKept, sendKeptProperties, type KeptFile } from './kept-file.js';
import { readBoolean, readMaxResults, readNamePrefix } from './list-query.js';
import { readRange } from './range.js';
import { sendList, sendNothing } from './reply.js';

/** A directory of a node as clients see it: names are relative to it, and nothing above it exists. */
export interface FileView {
  node: NodeKey;
  /** Below the node's root, '' for the root itself. */
  directory: string;
  /** URL of the view, without a slash at its end. */
  url: string;
  /** What a client of this view is told of a failure. */
  unavailable(error: BatchError): BatchError;
  /** What is kept of a file for when the node can't be asked. */
  kept?(path: string): Promise<KeptFile | undefined>;
}

const below = (view: FileView, path: string) =>
  view.directory === '' ? path : path === '' ? view.directory : `${view.directory}/${path}`;

const urlOf = (view: FileView, name: string) =>
  `${view.url}/${name.split('/').map(encodeURIComponent).join('/')}`;

/** The path of the request, relative to the view. What would leave the view does not exist. */
export function readPath(call: Call): string {
  const steps = idOf(call, 'filePath')
    .split('/')
    .filter((step) => step !== '' && step !== '.');
  const path = steps.join('/');
  if (path === '' || steps.includes('..') || path.includes('\0') || path.includes('\\'))
    throw fileNotFound(idOf(call, 'filePath'));
  if (path.length > LIMITS.urlLength) throw fileNotFound(path.slice(0, 200));
  return path;
}

const fileNotFound = (path: string) =>
  new BatchError('FileNotFound', [{ key: 'FilePath', value: path.slice(0, 200) }]);

type FileRequest = Exclude<Extract<AgentRequest, { path: string }>, { type: 'followFile' }>;

/** Asks the node; its refusals become the service's errors, in the words of the view. */
async function ask(call: Call, view: FileView, request: FileRequest): Promise<AgentResponse> {
  const response = await ofView(view, call.ports.nodeFiles.request(view.node, request));
  if (response.type !== 'failed') return response;
  const error =
    response.code === 'FileNotFound' || response.code === 'InvalidPath'
      ? fileNotFound(request.path)
      : response.code === 'InvalidRange'
        ? new BatchError('InvalidRange')
        : new BatchError(
            'OperationInvalidForCurrentState',
            [{ key: 'Reason', value: response.message }],
            response.code === 'DirectoryNotEmpty'
              ? 'The directory is not empty: delete it with recursive=true.'
              : `The node could not do it: ${response.message}`,
          );
  throw view.unavailable(error);
}

async function ofView<T>(view: FileView, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw thrown instanceof BatchError ? view.unavailable(thrown) : thrown;
  }
}

/** NodeFile of the contract's section 5: directories carry no properties. */
const wireFile = (view: FileView, file: FileProperties) => ({
  name: file.name,
  url: urlOf(view, file.name),
  isDirectory: file.isDirectory,
  ...(!file.isDirectory && {
    properties: {
      lastModified: formatTime(file.lastModified),
      contentLength: String(file.contentLength),
      contentType: file.contentType,
      fileMode: file.fileMode,
    },
  }),
});

export async function listFiles(call: Call, view: FileView): Promise<void> {
  const token = call.query.get('$skiptoken') || undefined;
  const limit = readMaxResults(call) ?? LIMITS.pageSize;
  const response = await ask(call, view, {
    type: 'listFiles',
    path: view.directory,
    recursive: readBoolean(call, 'recursive'),
    after: afterOf(view.url, token),
    startsWith: readNamePrefix(call),
    limit,
  });
  if (response.type !== 'files') throw new BatchError('InternalError');
  const last = response.files.at(-1);
  sendList(call, 'files', {
    value: response.files.map((file) => wireFile(view, file)),
    ...(response.more && last !== undefined && { next: skipToken(view.url, last.name) }),
  });
}

async function propertiesOf(call: Call, view: FileView, path: string): Promise<FileProperties> {
  const response = await ask(call, view, { type: 'fileProperties', path: below(view, path) });
  if (response.type !== 'file') throw new BatchError('InternalError');
  return response.file;
}

/** Files take the two date conditions only. */
const isFileModified = (call: Call, file: FileProperties): boolean =>
  isModified(
    {
      ifModifiedSince: call.conditions?.ifModifiedSince,
      ifUnmodifiedSince: call.conditions?.ifUnmodifiedSince,
    },
    { lastModified: file.lastModified },
  );

function sendNotModified(call: Call, file: FileProperties): void {
  call.context.set('Last-Modified', new Date(file.lastModified).toUTCString());
  call.context.status = 304;
}

function setFileHeaders(call: Call, view: FileView, path: string, file: FileProperties): void {
  const { context } = call;
  context.set('Content-Type', file.isDirectory ? 'application/octet-stream' : file.contentType);
  context.set('Last-Modified', new Date(file.lastModified).toUTCString());
  context.set('ocp-batch-file-isdirectory', String(file.isDirectory));
  context.set('ocp-batch-file-url', encodeURIComponent(urlOf(view, path)));
  context.set('ocp-batch-file-mode', file.fileMode);
  context.set('DataServiceVersion', '3.0');
}

/** A kept copy, where the node has no link and the client asked for it: others are told that the file can't be had. */
async function keptInstead(
  call: Call,
  view: FileView,
  path: string,
): Promise<KeptFile | undefined> {
  const isWanted = readBoolean(call, 'kept') && !call.ports.nodeFiles.isOnline(view.node);
  return isWanted ? view.kept?.(path) : undefined;
}

export async function sendProperties(call: Call, view: FileView): Promise<void> {
  const path = readPath(call);
  const kept = await keptInstead(call, view, path);
  if (kept !== undefined) return sendKeptProperties(call, kept);
  const file = await propertiesOf(call, view, path);
  if (!isFileModified(call, file)) return sendNotModified(call, file);
  setFileHeaders(call, view, path, file);
  call.context.set('Content-Length', String(file.isDirectory ? 0 : file.contentLength));
}

/** The whole file or a part of it, both with 200: clients refuse 206. */
export async function sendFile(call: Call, view: FileView): Promise<void> {
  const path = readPath(call);
  const kept = await keptInstead(call, view, path);
  if (kept !== undefined) return sendKept(call, kept);
  const range = readRange(call);
  if (call.conditions !== undefined) {
    const known = await propertiesOf(call, view, path);
    if (!isFileModified(call, known)) return sendNotModified(call, known);
  }
  const read = call.ports.nodeFiles.read(view.node, below(view, path), range);
  const { file, start, end, body } = await ofView(view, read);
  setFileHeaders(call, view, path, file);
  const { context } = call;
  context.set('Content-Length', String(Math.max(0, end - start + 1)));
  // Straight to the socket: a node that fails half-way must cut the connection, not end it.
  context.respond = false;
  try {
    await pipeline(body, context.res);
  } catch (error) {
    call.ports.log.debug({ error, path: context.path }, 'a file was not sent to its end');
  }
}

export async function deleteFile(call: Call, view: FileView): Promise<void> {
  const request = {
    type: 'deleteFile',
    path: below(view, readPath(call)),
    recursive: readBoolean(call, 'recursive'),
  } as const;
  await ask(call, view, request);
  sendNothing(call);
}
