import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { INLINE_LOG_BYTES_MAX, type Outcome } from '../../protocol/agent/event.js';
import type { NodeConfiguration } from '../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { systemCode } from './failure.js';

const FILES = ['stdout.txt', 'stderr.txt'] as const;
type File = (typeof FILES)[number];
/** The last copy may take so long; a run does not end before it. */
const LAST_COPY_MS = 5_000;

/** Of an attempt, or of a run of the start task. */
export type LogOf = AttemptRef | { startTaskRun: number };

/** Of runs that ended while the controller was away. */
const OWED_MAX = 1_000;

export interface LogCopiesPorts {
  /** False: nobody wants it, now or later. */
  send(
    copy: {
      of: LogOf;
      file: File;
      content: Buffer;
      skipped: number;
      ended: boolean;
    },
    signal: AbortSignal,
  ): Promise<boolean>;
  log(text: string): void;
}

interface Watched {
  of: LogOf;
  directory: string;
  /** Size and time of change at the last copy, by file. */
  copied: Map<File, string>;
  copying?: Promise<void>;
  unwanted: boolean;
  /** Never taken along with the end of its run. */
  apart: boolean;
}

/**
 * Copies outputs to the controller while their runs go on, when they have changed, so that they outlive
 * the node. A run that wrote little takes its outputs along with its end, and nothing is sent apart.
 */
export class LogCopies {
  #watched = new Set<Watched>();
  /** Runs that are over, whose last copies found nobody to take them: the newest of these. */
  #owed = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #limits: NodeConfiguration['logs'];

  constructor(private readonly ports: LogCopiesPorts) {}

  configure(limits: NodeConfiguration['logs']): void {
    this.#limits = limits;
    this.#plan();
  }

  /** Copies the outputs of a run from now on; the returned function is called once, when its process has ended. */
  watch(
    of: LogOf,
    directory: string,
    apart: boolean,
  ): () => Promise<Outcome['logs']> | Outcome['logs'] {
    const watched: Watched = { of, directory, copied: new Map(), unwanted: false, apart };
    // What is written there from now on is another run's.
    for (const owed of this.#owed) if (owed.directory === directory) this.#owed.delete(owed);
    this.#watched.add(watched);
    this.#plan();
    return () => this.#ended(watched);
  }

  #plan(): void {
    if (this.#limits === undefined || this.#watched.size + this.#owed.size === 0) return;
    this.#timer ??= setInterval(() => this.#copyAll(), this.#limits.intervalMs).unref();
  }

  #copyAll(): void {
    for (const owed of this.#owed) {
      if (owed.copying !== undefined) continue;
      owed.copying = this.#copyChanged(owed, AbortSignal.timeout(LAST_COPY_MS), true)
        .then(() => this.#settle(owed))
        .catch(() => undefined) // Still nobody: the next round tries again.
        .finally(() => delete owed.copying);
    }
    for (const watched of this.#watched) {
      if (watched.copying !== undefined || watched.unwanted) continue;
      watched.copying = this.#copyChanged(watched, AbortSignal.timeout(LAST_COPY_MS), false)
        // The next round tries again.
        .catch((error: unknown) => this.ports.log(`a log was not copied: ${textOf(error)}`))
        .finally(() => delete watched.copying);
    }
  }

  #ended(watched: Watched): Promise<Outcome['logs']> | Outcome['logs'] {
    this.#watched.delete(watched);
    this.#rest();
    if (this.#limits === undefined) return undefined;
    const sizes = FILES.map((file) => sizeOf(`${watched.directory}/${file}`));
    if (sizes.every((size) => size === 0)) return undefined;
    const isShort = sizes.every((size) => size <= INLINE_LOG_BYTES_MAX);
    if (!watched.apart && isShort) return inline(watched.directory);
    return this.#copyLast(watched);
  }

  #settle(owed: Watched): void {
    this.#owed.delete(owed);
    this.#rest();
  }

  #rest(): void {
    if (this.#watched.size + this.#owed.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #copyLast(watched: Watched): Promise<undefined> {
    await watched.copying;
    if (watched.unwanted) return;
    try {
      await this.#copyChanged(watched, AbortSignal.timeout(LAST_COPY_MS), true);
    } catch (error) {
      // What the run came to matters more than its log.
      this.ports.log(`the log of a run that ended was not copied yet: ${textOf(error)}`);
      this.#owed.add(watched);
      for (const oldest of this.#owed) {
        if (this.#owed.size <= OWED_MAX) break;
        this.#owed.delete(oldest);
      }
      this.#plan();
    }
  }

  async #copyChanged(watched: Watched, signal: AbortSignal, ended: boolean): Promise<void> {
    const bytesMax = this.#limits?.bytesMax ?? 0;
    for (const file of FILES) {
      const tail = readTail(`${watched.directory}/${file}`, bytesMax, watched.copied.get(file));
      if (tail === undefined) continue;
      const { content, skipped, version } = tail;
      const isWanted = await this.ports.send(
        { of: watched.of, file, content, skipped, ended },
        signal,
      );
      watched.copied.set(file, version);
      if (!isWanted) {
        watched.unwanted = true;
        return;
      }
    }
  }
}

/** 0 for what is no regular file. */
function sizeOf(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : 0;
}

function inline(directory: string): Outcome['logs'] {
  const [stdout, stderr] = FILES.map((file) =>
    readTail(`${directory}/${file}`, INLINE_LOG_BYTES_MAX, undefined)?.content.toString('base64'),
  );
  return {
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
  };
}

/** The last bytes of a file; nothing where it is empty, no regular file, or as it was at `known`. */
function readTail(
  path: string,
  bytesMax: number,
  known: string | undefined,
): { content: Buffer; skipped: number; version: string } | undefined {
  let file: number;
  try {
    // A task may have put a link or a pipe in the place of its output.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'].includes(systemCode(error))) return undefined;
    throw error;
  }
  try {
    const { size, mtimeMs, ...stats } = fstatSync(file);
    const version = `${size} ${mtimeMs}`;
    if (size === 0 || version === known || (stats.mode & constants.S_IFMT) !== constants.S_IFREG)
      return undefined;
    const skipped = Math.max(0, size - bytesMax);
    const content = Buffer.alloc(size - skipped);
    const bytes = readSync(file, content, 0, content.length, skipped);
    return { content: content.subarray(0, bytes), skipped, version };
  } finally {
    closeSync(file);
  }
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
