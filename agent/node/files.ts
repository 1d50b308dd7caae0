import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rm, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import type { AgentRequest, AgentResponse, FileProperties } from '../../protocol/agent/request.js';
import { removeAside, setAside } from './directories.js';
import { inParent, isHidden, pathParts, PathRefused, resolveLinks } from './safe-path.js';

/** Directories below one another that a recursive listing follows. */
const DEPTH_MAX = 64;
const TEXT =
  /\.(txt|log|md|csv|tsv|json|xml|ya?ml|html?|css|js|mjs|ts|py|sh|c|h|cpp|rs|go|ini|conf|cfg)$/i;

/** An opened file with the bytes that were asked for; the caller closes `handle`. */
interface OpenedFile {
  handle: FileHandle;
  /** First byte and the byte after the last one. */
  start: number;
  end: number;
}

export interface Answer {
  response: AgentResponse;
  /** With a `readFile` that succeeded. */
  opened?: OpenedFile;
}

/** Those of the controller's questions that name a path below the root. */
export type FileRequest = Exclude<Extract<AgentRequest, { path: string }>, { type: 'followFile' }>;

/**
 * Answers one question about files below the node's root. Never throws: what fails is an answer too.
 * `hasUsers`: files belong to users of tasks, who may be changing them this moment.
 */
export async function answerRequest(
  root: string,
  request: FileRequest,
  hasUsers = false,
): Promise<Answer> {
  try {
    const parts = pathParts(request.path);
    if (isHidden(parts)) throw new PathRefused(request.path, 'it belongs to the node agent');
    switch (request.type) {
      case 'listFiles':
        return { response: await listFiles(root, await resolveLinks(root, parts), request) };
      case 'fileProperties': {
        const real = await resolveLinks(root, parts);
        const stats = await inParent(root, real, (directory, name) =>
          lstat(`${directory}/${name}`),
        );
        return { response: { type: 'file', file: properties(request.path, stats) } };
      }
      case 'readFile':
        return await readFile(root, await resolveLinks(root, parts), request);
      case 'deleteFile':
        await deleteFile(root, parts, request.recursive, hasUsers);
        return { response: { type: 'deleted' } };
    }
  } catch (error) {
    return { response: failed(request.path, error) };
  }
}

/** Deletes directories below the root with all they hold; those that are gone already are fine. */
export async function removeDirectories(
  root: string,
  directories: readonly string[],
  hasUsers = false,
): Promise<void> {
  for (const directory of directories) {
    const parts = pathParts(directory);
    if (parts.length === 0 || isHidden(parts))
      throw new PathRefused(directory, 'it is not a directory of a task or job');
    try {
      await inParent(root, parts, async (parent, name) => {
        if (hasUsers) setAside(root, `${parent}/${name}`);
        else await rm(`${parent}/${name}`, { recursive: true, force: true });
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  if (hasUsers) await removeAside(root);
}

class RangeInvalid extends Error {}

async function readFile(
  root: string,
  parts: string[],
  request: Extract<AgentRequest, { type: 'readFile' }>,
): Promise<Answer> {
  // Not blocking: a named pipe that a task left would hold the request for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await inParent(root, parts, (directory, name) =>
    open(`${directory}/${name}`, flags),
  );
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new PathRefused(request.path, 'it is not a regular file');
    const start = request.start ?? 0;
    if (start > 0 || request.end !== undefined) {
      const last = request.end ?? stats.size - 1;
      if (start >= stats.size || last < start) {
        throw new RangeInvalid(
          `The range ${start}-${request.end ?? ''} is not within the ${stats.size} bytes of the file.`,
        );
      }
    }
    const end = Math.min(stats.size, (request.end ?? stats.size - 1) + 1);
    return {
      response: { type: 'file', file: properties(request.path, stats) },
      opened: { handle, start, end },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function deleteFile(
  root: string,
  parts: string[],
  recursive: boolean,
  hasUsers: boolean,
): Promise<void> {
  if (parts.length < 2)
    throw new PathRefused(parts.join('/'), 'the directories of the node itself stay');
  await inParent(root, parts, async (directory, name) => {
    const path = `${directory}/${name}`;
    const stats = await lstat(path);
    if (!stats.isDirectory()) return unlink(path);
    if (!recursive) return rmdir(path);
    if (!hasUsers) return rm(path, { recursive: true });
    setAside(root, path);
    return removeAside(root);
  });
}

/** Children (of the directory that `startsWith` names), or the whole tree, in the order of their names by code unit; links are listed, not followed. */
async function listFiles(
  root: string,
  parts: string[],
  request: Extract<AgentRequest, { type: 'listFiles' }>,
): Promise<AgentResponse> {
  const names: string[] = [];
  const walk = async (directory: string, prefix: string, depth: number): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const name = `${prefix}${entry.name}`;
      if (isHidden([...parts, ...name.split('/')])) continue;
      names.push(name);
      const isWalked = entry.isDirectory() && depth < DEPTH_MAX;
      if (isWalked && isAsked(`${name}/`, request)) {
        await walk(`${directory}/${entry.name}`, `${name}/`, depth + 1);
      }
    }
  };
  return inParent(root, [...parts, '.'], async (top) => {
    await walk(top, '', 0);
    const { after, startsWith } = request;
    const wanted = names
      .filter(
        (name) =>
          (after === undefined || name > after) &&
          (startsWith === undefined || name.startsWith(startsWith)),
      )
      .sort((one, other) => (one < other ? -1 : 1));
    const files: FileProperties[] = [];
    for (const name of wanted.slice(0, request.limit)) {
      const stats = await lstat(`${top}/${name}`).catch(goneIsNothing);
      if (stats !== undefined) files.push(properties(name, stats));
    }
    return { type: 'files', files, more: wanted.length > request.limit };
  });
}

/**
 * A directory is worth walking when something in it may begin with the asked prefix; without `recursive`
 * only when the prefix leads into it: `wd/` asks for what is in `wd`.
 */
function isAsked(
  directory: string,
  { recursive, startsWith }: Extract<AgentRequest, { type: 'listFiles' }>,
): boolean {
  if (startsWith?.startsWith(directory) === true) return true;
  return recursive && (startsWith === undefined || directory.startsWith(startsWith));
}

/** A file that a task deleted between listing and looking is simply not there. */
function goneIsNothing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

function properties(name: string, stats: Stats): FileProperties {
  return {
    name,
    isDirectory: stats.isDirectory(),
    contentLength: stats.isDirectory() ? 0 : stats.size,
    lastModified: Math.floor(stats.mtimeMs),
    contentType: TEXT.test(name) ? 'text/plain' : 'application/octet-stream',
    fileMode: `0o${stats.mode.toString(8)}`,
  };
}

function failed(path: string, error: unknown): AgentResponse {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof PathRefused) return { type: 'failed', code: 'InvalidPath', message };
  if (error instanceof RangeInvalid) return { type: 'failed', code: 'InvalidRange', message };
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        type: 'failed',
        code: 'FileNotFound',
        message: `There is no file ${path} on the node.`,
      };
    case 'ENOTEMPTY':
    case 'EEXIST':
      return {
        type: 'failed',
        code: 'DirectoryNotEmpty',
        message: `The directory ${path} is not empty.`,
      };
    case 'ELOOP':
      return {
        type: 'failed',
        code: 'InvalidPath',
        message: `The path ${path} leads through a link.`,
      };
    default:
      // The text of a system error names paths of the node's host: only its code travels.
      return {
        type: 'failed',
        code: 'Failed',
        message: `The file ${path} can't be used: ${code ?? message}.`,
      };
  }
}
