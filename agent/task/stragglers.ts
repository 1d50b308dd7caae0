import { readdirSync, readFileSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { basename } from 'node:path';
import { livingProcess, TICK_MS } from '../node/process.js';
import { childrenOf, DEPTH_MAX } from './cgroup.js';
import { systemCode } from './failure.js';
import type { Run } from './run-record.js';

/** The first look after a run's end, and the shortest time between two looks: one look is for all that ended. */
const FIRST_LOOK_MS = 50;
const BETWEEN_LOOKS_MS = 500;
/** Looks after a run's end: what was being started while its group was killed shows up in the second. */
const LOOKS = 2;

/** A run that lives longer gets a control group of its own. */
export const GROUP_AFTER_MS = 10;

/** When what a run started had no control group yet: milliseconds of this program's monotonic clock. */
interface Ungrouped {
  from: number;
  to: number;
}

interface Known {
  /** Absent: nobody who lost its parent can be told to be of this run. */
  ungrouped?: Ungrouped;
  /** Looks that are still due after its end; 0: with those of others; absent: it goes on, or what it left may. */
  looks?: number;
}

/**
 * Ends processes that got away from a run that is over: those in sessions of their own, found by the
 * task's directory in their first environment, whoever is their parent by now. Where a survivor is the
 * parent of what lost its own, also those without that mark and without a group: they began in the first
 * moments of runs that all are over.
 */
export class Stragglers {
  /** By their directories. */
  #runs = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  /** Processes at the last look: those that had no mark twice are not asked for it again. */
  #strangers = new Map<string, Stranger>();

  /** The name of the folder of the node's groups; absent as long as nobody could be told by it. */
  #groups: string | undefined;

  /** `survivor`: the parent of what lost its own; absent: that is no process of ours. */
  constructor(
    groups: string | undefined,
    private readonly survivor: number | undefined,
  ) {
    if (groups !== undefined && survivor !== undefined) this.#groups = `/${basename(groups)}/`;
  }

  /** Before its process; in the directory of an earlier try, what that one left is looked for at its end. */
  begins({ taskDirectory, containerPool }: Run): void {
    const known = this.#runs.get(taskDirectory);
    const earlier = known?.looks === undefined ? known?.ungrouped : undefined;
    const from = earlier?.from ?? performance.now() - TICK_MS;
    const ungrouped = { from, to: Number.POSITIVE_INFINITY };
    // The helpers of a container engine have no mark and no group of ours either.
    const isTold = this.#groups !== undefined && containerPool === undefined;
    this.#runs.set(taskDirectory, isTold ? { ungrouped } : {});
  }

  /** Whatever its processes start from now on is in their group. */
  grouped({ taskDirectory }: Run): void {
    const ungrouped = this.#runs.get(taskDirectory)?.ungrouped;
    if (ungrouped !== undefined) ungrouped.to = Math.min(ungrouped.to, performance.now());
  }

  /** What it has left goes, but for what a start task leaves. */
  ended(run: Run): void {
    const { taskDirectory, hadProcess, keepsLeftovers } = run;
    this.grouped(run);
    if (hadProcess !== true) this.#runs.delete(taskDirectory);
    if (hadProcess !== true || keepsLeftovers) return;
    this.#runs.set(taskDirectory, { ...this.#runs.get(taskDirectory), looks: LOOKS });
    this.#plan(FIRST_LOOK_MS);
  }

  #plan(wait: number): void {
    this.#timer ??= setTimeout(() => {
      this.#look();
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        if ([...this.#runs.values()].some(({ looks = 0 }) => looks > 0)) this.#plan(0);
      }, BETWEEN_LOOKS_MS).unref();
    }, wait).unref();
  }

  #look(): void {
    const seen = new Map<string, Stranger>();
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const known = strangerOf(name, this.#strangers.get(name));
      if (known === undefined) continue;
      if (known.looks < LOOKS) {
        const directory = taskDirectoryOf(name);
        if (directory === undefined) known.looks += 1;
        else if (this.#runs.get(directory)?.looks !== undefined) kill(Number(name));
      }
      seen.set(name, known);
    }
    this.#strangers = seen;
    const offset = uptime() * 1000 - performance.now();
    const orphans = this.survivor === undefined ? [] : childrenOf(this.survivor);
    for (const pid of orphans)
      if (pid !== process.pid && (seen.get(String(pid))?.looks ?? 0) > 0)
        if (this.#isOrphan(pid, offset)) killTree(pid);
    for (const [taskDirectory, run] of this.#runs) {
      if (run.looks === undefined) continue;
      run.looks = Math.max(run.looks - 1, 0);
      if (run.looks === 0 && !this.#isBesideOthers(run)) this.#runs.delete(taskDirectory);
    }
  }

  /**
   * Whether it lost its parent, has no group, and began when only runs could have started it that are over.
   * `offset`: of the system's uptime to our clock, in milliseconds.
   */
  #isOrphan(pid: number, offset: number): boolean {
    if (this.#groups === undefined) return false;
    const living = livingProcess(pid);
    if (living === undefined || living.parent !== this.survivor) return false;
    if (groupOf(pid)?.includes(this.#groups) !== false) return false;
    const began = Number(living.startTicks) * TICK_MS - offset;
    const runs = [...this.#runs.values()].filter(
      ({ ungrouped }) =>
        ungrouped !== undefined && ungrouped.from <= began + TICK_MS && began <= ungrouped.to,
    );
    return runs.length > 0 && runs.every(({ looks }) => looks !== undefined);
  }

  /** What it left may have been taken for what a run began that goes on. */
  #isBesideOthers({ ungrouped: own }: Known): boolean {
    if (own === undefined) return false;
    return [...this.#runs.values()].some(
      ({ looks, ungrouped: other }) =>
        looks === undefined &&
        other !== undefined &&
        other.from <= own.to + TICK_MS &&
        own.from <= other.to + TICK_MS,
    );
  }
}

interface Stranger {
  /** Of its folder in /proc: another process of the same number has another. */
  inode: number;
  /** That it had no mark at. */
  looks: number;
}

function strangerOf(name: string, before: Stranger | undefined): Stranger | undefined {
  const inode = statSync(`/proc/${name}`, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return undefined;
  return before?.inode === inode ? before : { inode, looks: 0 };
}

const VARIABLE = /(?:^|\0)AZ_BATCH_TASK_DIR=([^\0]*)/;

function taskDirectoryOf(pid: string): string | undefined {
  try {
    return VARIABLE.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1];
  } catch (error) {
    // Gone meanwhile, or another user's: in both cases not ours.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** The group of a process; undefined: it is gone. */
function groupOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** A process and what has it for parent. */
function killTree(pid: number, depth = 0): void {
  const children = depth < DEPTH_MAX ? childrenOf(pid) : [];
  kill(pid);
  for (const child of children) killTree(child, depth + 1);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes(systemCode(error))) throw error;
  }
}
