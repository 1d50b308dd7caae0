import type { Task } from '../task/state.js';

/** What a task that waits has beside its id, its place in the job and the time when it was added. */
export type Mould = Pick<
  Task,
  | 'requiredSlots'
  | 'maxTaskRetryCount'
  | 'maxWallClockTimeMs'
  | 'retentionTimeMs'
  | 'attempt'
  | 'affinityNode'
  | 'exitConditions'
>;

/** Everything that a task can have of which `isPlain` looks at the value, or which its mould keeps. */
const KNOWN: ReadonlySet<string> = new Set<keyof Task>([
  ...(['key', 'job', 'id', 'sequence', 'isJobManager', 'requiredSlots', 'runExclusive'] as const),
  ...(['state', 'stateTransitionTime', 'creationTime', 'lastModified', 'version'] as const),
  ...(['maxTaskRetryCount', 'maxWallClockTimeMs', 'retentionTimeMs', 'attempt'] as const),
  ...(['affinityNode', 'exitConditions', 'execution'] as const),
]);

/** True where the task is as it was added: its mould, its id, its number and one time tell all of it. */
export function isPlain(task: Task): boolean {
  const { creationTime: time, execution } = task;
  if (task.state !== 'active' || task.version !== 1 || task.isJobManager || task.runExclusive)
    return false;
  if (task.lastModified !== time || task.stateTransitionTime !== time) return false;
  for (const name in task) if (!KNOWN.has(name)) return false;
  for (const name in execution) if (name !== 'retryCount' && name !== 'requeueCount') return false;
  return execution.retryCount === 0 && execution.requeueCount === 0;
}

const mouldOf = (task: Task): Mould => ({
  requiredSlots: task.requiredSlots,
  maxTaskRetryCount: task.maxTaskRetryCount,
  ...(task.maxWallClockTimeMs === undefined ? {} : { maxWallClockTimeMs: task.maxWallClockTimeMs }),
  ...(task.retentionTimeMs === undefined ? {} : { retentionTimeMs: task.retentionTimeMs }),
  attempt: task.attempt,
  ...(task.affinityNode === undefined ? {} : { affinityNode: task.affinityNode }),
  ...(task.exitConditions === undefined ? {} : { exitConditions: task.exitConditions }),
});

const suits = (mould: Mould, task: Task): boolean =>
  mould.requiredSlots === task.requiredSlots &&
  mould.maxTaskRetryCount === task.maxTaskRetryCount &&
  mould.maxWallClockTimeMs === task.maxWallClockTimeMs &&
  mould.retentionTimeMs === task.retentionTimeMs &&
  mould.attempt === task.attempt &&
  mould.affinityNode === task.affinityNode &&
  mould.exitConditions === task.exitConditions;

interface Entry {
  readonly mould: Mould;
  readonly text: string;
  /** Tasks that have it. */
  count: number;
}

/** Moulds at once; a task that would need one more is not packed. Their numbers fit 16 bits. */
const MOULDS_MAXIMUM = 1_000;

/** The moulds of one job's tasks, each kept once and by a small number. */
export class Moulds {
  readonly #entries: (Entry | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  /** Of the task before: the next one mostly has the same. */
  #latest = 0;

  /** Counts the task in and answers with the number of its mould; undefined where there are too many. */
  add(task: Task): number | undefined {
    const latest = this.#entries[this.#latest];
    if (latest !== undefined && suits(latest.mould, task)) {
      latest.count += 1;
      return this.#latest;
    }
    const mould = mouldOf(task);
    const text = JSON.stringify(mould);
    let number = this.#numbers.get(text);
    if (number === undefined) {
      if (this.#numbers.size >= MOULDS_MAXIMUM) return undefined;
      const free = this.#entries.indexOf(undefined);
      number = free === -1 ? this.#entries.length : free;
      this.#entries[number] = { mould, text, count: 0 };
      this.#numbers.set(text, number);
    }
    this.#at(number).count += 1;
    this.#latest = number;
    return number;
  }

  get(number: number): Mould {
    return this.#at(number).mould;
  }

  /** One task fewer. */
  drop(number: number): void {
    const entry = this.#at(number);
    entry.count -= 1;
    if (entry.count > 0) return;
    this.#entries[number] = undefined;
    this.#numbers.delete(entry.text);
  }

  /** Those that tasks have, and how many do. */
  *[Symbol.iterator](): Iterator<{ mould: Mould; count: number }> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }

  #at(number: number): Entry {
    const entry = this.#entries[number];
    if (entry === undefined) throw new Error(`no mould ${number}`);
    return entry;
  }
}
