import { readdirSync, readFileSync } from 'node:fs';
import { systemCode } from './failure.js';

/** The first look after a run's end, and the shortest time between two looks: one look is for all that ended. */
const FIRST_LOOK_MS = 50;
const BETWEEN_LOOKS_MS = 500;
/** Looks after a run's end: what was being started while its group was killed shows up in the second. */
const LOOKS = 2;

/**
 * Ends processes that got away from a run that is over: those in sessions of their own, found by the
 * task's directory in their first environment, whoever is their parent by now.
 */
export class Stragglers {
  /** Directories of runs that are over, with the looks that are still due. */
  #ended = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `isActive`: a new try runs in that directory; what is left there is looked for at its end. */
  constructor(private readonly isActive: (taskDirectory: string) => boolean) {}

  ended(taskDirectory: string): void {
    this.#ended.set(taskDirectory, LOOKS);
    this.#plan(FIRST_LOOK_MS);
  }

  #plan(wait: number): void {
    this.#timer ??= setTimeout(() => {
      this.#look();
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        if (this.#ended.size > 0) this.#plan(0);
      }, BETWEEN_LOOKS_MS).unref();
    }, wait).unref();
  }

  #look(): void {
    for (const taskDirectory of this.#ended.keys())
      if (this.isActive(taskDirectory)) this.#ended.delete(taskDirectory);
    if (this.#ended.size === 0) return;
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const directory = taskDirectoryOf(name);
      if (directory !== undefined && this.#ended.has(directory)) kill(Number(name));
    }
    for (const [taskDirectory, looks] of this.#ended)
      if (looks === 1) this.#ended.delete(taskDirectory);
      else this.#ended.set(taskDirectory, looks - 1);
  }
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

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes(systemCode(error))) throw error;
  }
}
