import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import type { AssignedOutputFile } from '../../protocol/agent/assignment.js';
import { expandVariables } from '../core/environment.js';
import { compilePattern } from '../core/file-pattern.js';
import type { HttpClient } from '../node/http.js';
import { inParent, pathParts } from '../node/safe-path.js';
import type { RunUser } from '../node/users.js';
import { StepFailure, Stopped, systemCode } from './failure.js';
import { mayRead } from './ownership.js';
import { blobUrl } from './resource-files.js';
import { bare, inParallel, TransferFailure, type TransferLimits } from './transfer.js';
import { upload } from './upload.js';

const DEPTH_MAX = 64;

export interface OutputContext {
  client: HttpClient;
  /** The task's directory; nothing outside it is ever uploaded. */
  taskDirectory: string;
  /** Nothing is uploaded that this user could not read itself. */
  user?: RunUser | undefined;
  environment: Readonly<Record<string, string>>;
  succeeded: boolean;
  signal: AbortSignal;
  limits: TransferLimits;
}

interface Upload {
  /** Relative to the task's directory. */
  file: string;
  blob: string;
  output: AssignedOutputFile;
}

/**
 * Uploads what the patterns name, for those whose condition fits the exit code. Throws StepFailure with
 * the contract's FileUpload… code. A pattern that matches nothing is no failure.
 */
export async function uploadOutputFiles(
  outputs: readonly AssignedOutputFile[],
  context: OutputContext,
): Promise<void> {
  const uploads: Upload[] = [];
  for (const output of outputs) {
    if (!applies(output, context.succeeded)) continue;
    uploads.push(...(await matches(output, context)));
  }
  await inParallel(uploads, context.limits.parallel, (one) => put(one, context));
}

function applies(output: AssignedOutputFile, succeeded: boolean): boolean {
  if (output.uploadCondition === 'taskcompletion') return true;
  return (output.uploadCondition === 'tasksuccess') === succeeded;
}

/**
 * With wildcards, `path` is a folder and blobs keep their place below the pattern's fixed part;
 * without, `path` is the blob's name.
 */
async function matches(output: AssignedOutputFile, context: OutputContext): Promise<Upload[]> {
  const pattern = compilePattern(placePattern(output.filePattern, context));
  const { file, base } = pattern;
  const path = output.path ?? '';
  if (file !== undefined) return [{ file, blob: path === '' ? basename(file) : path, output }];
  const prefix = path === '' ? '' : `${path.replace(/\/+$/, '')}/`;
  const files = await filesBelow(context.taskDirectory, base);
  return files
    .filter((one) => pattern.matches(one))
    .map((one) => ({
      file: one,
      blob: `${prefix}${base === '' ? one : one.slice(base.length + 1)}`,
      output,
    }));
}

/** The pattern relative to the task's directory; relative ones count from its `wd`. */
function placePattern(pattern: string, context: OutputContext): string {
  const expanded = expandVariables(pattern, context.environment);
  const absolute = posix.normalize(
    expanded.startsWith('/') ? expanded : `${context.taskDirectory}/wd/${expanded}`,
  );
  if (!absolute.startsWith(`${context.taskDirectory}/`)) {
    throw new StepFailure(
      'FileUploadMiscError',
      'usererror',
      `The file pattern ${JSON.stringify(pattern)} leads out of the task's directory.`,
      [{ name: 'FilePattern', value: pattern }],
    );
  }
  return absolute.slice(context.taskDirectory.length + 1);
}

/** Regular files below a directory, relative to the task's directory; links are not followed. */
async function filesBelow(top: string, base: string): Promise<string[]> {
  const files: string[] = [];
  const walk = async (relative: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) return;
    for (const entry of await readdir(relative === '' ? top : `${top}/${relative}`, {
      withFileTypes: true,
    })) {
      const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) await walk(name, depth + 1);
      else if (entry.isFile()) files.push(name);
    }
  };
  try {
    await walk(base, 0);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
  }
  return files.sort();
}

async function put(output: Upload, context: OutputContext): Promise<void> {
  const { client, signal, limits } = context;
  const url = blobUrl(new URL(output.output.containerUrl), output.blob);
  try {
    const file = await openRegular(context.taskDirectory, output.file, context.user);
    if (file === undefined) return;
    const { uploadHeaders } = output.output;
    await upload({ client, url, file, uploadHeaders, signal, limits }).finally(() => file.close());
  } catch (error) {
    throw named(error, output, url);
  }
}

/** Opens a file without following links; nothing where there is none. Throws EACCES for another user's. */
async function openRegular(top: string, file: string, user: RunUser | undefined) {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const handle = await inParent(top, pathParts(file), (directory, name) =>
      open(`${directory}/${name}`, flags),
    );
    const stats = await handle.stat();
    const isForbidden = user !== undefined && !mayRead(user, stats);
    if (stats.isFile() && !isForbidden) return handle;
    await handle.close();
    if (!isForbidden) return undefined;
    throw new StepFailure(
      'FileUploadMiscError',
      'usererror',
      `The output file ${file} belongs to another user, and the task's user may not read it.`,
      [{ name: 'FilePath', value: file }],
    );
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

function named(error: unknown, output: Upload, url: URL): Error {
  if (error instanceof Stopped || error instanceof StepFailure) return error;
  const what = `The output file ${output.file} could not be uploaded to ${bare(url)}`;
  const details = [
    { name: 'FilePath', value: output.file },
    { name: 'Url', value: bare(url) },
  ];
  const failure = (code: string, category: 'usererror' | 'servererror') =>
    new StepFailure(
      code,
      category,
      `${what}: ${error instanceof Error ? error.message : String(error)}`,
      details,
      { cause: error },
    );
  if (!(error instanceof TransferFailure)) return failure('FileUploadMiscError', 'servererror');
  switch (error.kind) {
    case 'denied':
      return failure('FileUploadAccessDenied', 'usererror');
    case 'missing':
      return failure('FileUploadContainerNotFound', 'usererror');
    case 'conflict':
      return failure('FileUploadConflict', 'servererror');
    case 'timeout':
      return failure('FileUploadTimedOut', 'servererror');
    case 'other':
      return failure('FileUploadMiscError', 'servererror');
  }
}
