import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ImportFailure } from './failure.js';

const TRIES = 5;
const FIRST_PAUSE_MS = 500;
/** A source that sends nothing for so long is asked again. */
const IDLE_MS = 60_000;

export interface Progress {
  bytes: number;
  totalBytes?: number;
}

interface Opened {
  body: Readable;
  /** Where the body goes on in the file. */
  from: number;
  total: number | undefined;
  /** Says whether a later request would be for the same content. */
  tag: string;
}

/**
 * Brings the source into the file. What an earlier try left there is gone on from, where the source
 * allows it and still has the same content (`{file}.tag` remembers which).
 * @throws ImportFailure
 */
export async function fetchSource(
  source: string,
  file: string,
  progress: (seen: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    let opened: Opened | undefined;
    try {
      opened = source.startsWith('file:')
        ? await openFile(source)
        : await openUrl(source, file, signal);
      await keep(opened, file, progress, signal);
      await rm(tagOf(file), { force: true });
      return;
    } catch (error) {
      if (signal.aborted || error instanceof ImportFailure) throw error;
      if (isCode(error, 'ENOSPC')) throw full(file, error);
      if (tries === TRIES) throw unreachable(source, error);
    } finally {
      // One that was not wanted to its end would hold its connection.
      opened?.body.destroy();
    }
    await pause(FIRST_PAUSE_MS * 2 ** (tries - 1), undefined, { signal });
  }
}

const tagOf = (file: string) => `${file}.tag`;

async function openFile(source: string): Promise<Opened> {
  const path = fileURLToPath(source);
  const found = await stat(path).catch((error: unknown) => {
    throw new ImportFailure('SourceNotFound', `${path} can't be read: ${wordsOf(error)}`, {
      cause: error,
    });
  });
  if (!found.isFile()) throw new ImportFailure('SourceNotFound', `${path} is no file`);
  return { body: createReadStream(path), from: 0, total: found.size, tag: '' };
}

async function openUrl(source: string, file: string, signal: AbortSignal): Promise<Opened> {
  const tag = await readFile(tagOf(file), 'utf8').catch(() => '');
  const have =
    tag === ''
      ? 0
      : await stat(file).then(
          ({ size }) => size,
          () => 0,
        );
  const headers = have > 0 ? { range: `bytes=${String(have)}-`, 'if-range': tag } : undefined;
  const response = await fetch(source, { signal, redirect: 'follow', ...(headers && { headers }) });
  const { status } = response;
  // Everything is there already: asked for from the start, to be sure of it.
  if (status === 416) {
    await rm(tagOf(file), { force: true });
    throw new Error('the source has no more than what is here');
  }
  if (status !== 200 && status !== 206) {
    await response.body?.cancel();
    const message = `${withoutSecrets(source)} answered with status ${String(status)}`;
    if (status === 408 || status === 429 || status >= 500) throw new Error(message);
    throw new ImportFailure(status === 404 ? 'SourceNotFound' : 'SourceRefused', message);
  }
  if (response.body === null) throw new Error(`${withoutSecrets(source)} sent no content`);
  const from = status === 206 ? have : 0;
  const length = response.headers.get('content-length');
  const etag = response.headers.get('etag');
  return {
    body: Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
    from,
    total: length === null ? undefined : from + Number(length),
    // A weak tag does not promise the same bytes.
    tag: etag?.startsWith('"') ? etag : (response.headers.get('last-modified') ?? ''),
  };
}

async function keep(
  { body, from, total, tag }: Opened,
  file: string,
  progress: (seen: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  if (total !== undefined) await checkRoom(file, total - from);
  if (tag !== '') await writeFile(tagOf(file), tag, { mode: 0o600 });
  let bytes = from;
  const totals = total === undefined ? {} : { totalBytes: total };
  const idle = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      idle.abort(new Error(`nothing came for ${String(IDLE_MS / 1000)} s`));
    }, IDLE_MS);
  };
  wait();
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      progress({ bytes, ...totals });
      wait();
      done(null, chunk);
    },
  });
  progress({ bytes, ...totals });
  const target = createWriteStream(file, { flags: from > 0 ? 'a' : 'w', mode: 0o644 });
  try {
    await pipeline(body, count, target, { signal: AbortSignal.any([signal, idle.signal]) });
  } finally {
    clearTimeout(timer);
  }
  if (total !== undefined && bytes !== total)
    throw new Error(`the source ended after ${String(bytes)} of ${String(total)} bytes`);
}

async function checkRoom(file: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(file));
  if (bytes > bavail * bsize) throw full(file);
}

const full = (file: string, cause?: unknown) =>
  new ImportFailure(
    'StorageFull',
    `there is no room for the image in ${dirname(file)}: free space there, or start the controller with another --data`,
    { cause },
  );

const unreachable = (source: string, error: unknown) =>
  new ImportFailure(
    'SourceUnreachable',
    `${withoutSecrets(source)} could not be read in ${String(TRIES)} tries: ${wordsOf(error)}`,
    { cause: error },
  );

/** Queries of signed URLs and passwords stay out of messages. */
export function withoutSecrets(source: string): string {
  const url = new URL(source);
  url.search = '';
  url.username = '';
  url.password = '';
  return url.href;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

const isCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;
