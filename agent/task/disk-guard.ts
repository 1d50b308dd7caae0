import { statfsSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import type { RunOutcome } from '../core/output.js';
import { removeDirectories } from '../node/files.js';
import type { Users } from '../node/users.js';
import { systemCode } from './failure.js';
import type { Run } from './run-record.js';

/** Of the disk, what is kept free for the node and the tasks to come: this part, or so much where it is less. */
const RESERVE_PART = 0.02;
const RESERVE_BYTES_MAX = 2 ** 30;
/** Who holds less than this part of the reserve is not why the disk is full. */
const SHARE = 0.1;
const LOOK_MS = 500;
/** Files that are counted of one run; whoever has more holds at least what these come to. */
const FILES_MAX = 100_000;

/**
 * Keeps a node able to work when tasks write without end: as soon as less than the reserve is left, the
 * run whose directory holds most is ended. A run that ends so, or fails by itself while the disk is full
 * of what it wrote, has the failure DiskFull, and its directory goes at once.
 */
export class DiskGuard {
  #looking = false;

  /** `kill` ends all processes of a run at once; the end of the run comes as ever. */
  constructor(
    private readonly node: { rootDirectory: string; users: Users },
    private readonly runs: () => Iterable<Run>,
    private readonly kill: (run: Run) => void,
  ) {
    setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Calls `tell` with what the end of a run comes to; in the same turn unless the disk is full. */
  judge(run: Run, outcome: RunOutcome, tell: (outcome: RunOutcome) => void): void {
    if (run.filledDisk === true) return this.#clear(run, outcome, tell);
    if (outcome.exitCode === undefined || outcome.exitCode === 0 || run.stopped || !this.#isShort())
      return tell(outcome);
    bytesBelow(run.taskDirectory).then(
      (bytes) =>
        bytes < SHARE * this.#space().reserve ? tell(outcome) : this.#clear(run, outcome, tell),
      () => tell(outcome), // it can't be read any more: the outcome is as it was
    );
  }

  #look(): void {
    // One whose process has ended only uploads.
    const runs = [...this.runs()].filter(
      ({ pid, hadProcess }) => pid !== undefined || hadProcess !== true,
    );
    if (this.#looking || runs.length === 0 || !this.#isShort()) return;
    this.#looking = true;
    this.#endLargest(runs)
      .catch(() => undefined) // what vanishes while it is counted is counted at the next look
      .finally(() => (this.#looking = false));
  }

  async #endLargest(runs: Run[]): Promise<void> {
    const sizes = await Promise.all(runs.map(({ taskDirectory }) => bytesBelow(taskDirectory)));
    const most = Math.max(...sizes);
    const run = runs[sizes.indexOf(most)];
    if (run === undefined || run.filledDisk === true || run.stopped) return;
    if (most < SHARE * this.#space().reserve) return;
    run.filledDisk = true;
    this.kill(run);
  }

  #clear(run: Run, outcome: RunOutcome, tell: (outcome: RunOutcome) => void): void {
    const said = (what: string): RunOutcome => ({
      ...outcome,
      ...(outcome.exitCode === undefined ? { preProcessing: true } : {}),
      failure: {
        category: 'servererror',
        code: 'DiskFull',
        message: `The disk of the node was full of what the task wrote${what}.`,
        details: [],
      },
    });
    const { rootDirectory, users } = this.node;
    // What other runs may still need stays.
    if (run.of === 'startTask' || run.isReadable) return tell(said(''));
    const directory = run.taskDirectory.slice(rootDirectory.length + 1);
    removeDirectories(rootDirectory, [directory], users.groups !== undefined).then(
      () => tell(said('; its directory was removed')),
      (error: unknown) => tell(said(`; its directory could not be removed (${systemCode(error)})`)),
    );
  }

  #isShort(): boolean {
    const { free, reserve } = this.#space();
    return free < reserve;
  }

  #space(): { free: number; reserve: number } {
    const { bsize, blocks, bavail } = statfsSync(this.node.rootDirectory);
    const reserve = Math.min(RESERVE_PART * blocks * bsize, RESERVE_BYTES_MAX);
    return { free: bavail * bsize, reserve };
  }
}

/** What the files below a directory take of the disk; links are not followed. */
async function bytesBelow(top: string): Promise<number> {
  let bytes = 0;
  let files = 0;
  const directories = [top];
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const entries = await opendir(path).catch(ifGone);
    if (entries === undefined) continue;
    for await (const entry of entries) {
      if ((files += 1) > FILES_MAX) return bytes;
      if (entry.isDirectory()) directories.push(`${path}/${entry.name}`);
      else bytes += ((await lstat(`${path}/${entry.name}`).catch(ifGone))?.blocks ?? 0) * 512;
    }
  }
  return bytes;
}

function ifGone(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
  throw error;
}
