import { jobOf, type JobKey, type TaskKey } from '../../protocol/keys.js';
import type { State } from '../core/state.js';
import type { Task } from '../core/task/state.js';
import type { Command } from './command.js';

/** Keys of the tasks that the command needs, as things stand. */
export const loadsOf = ({ loads }: Command<unknown>, state: State): readonly TaskKey[] =>
  typeof loads === 'function' ? loads(state) : (loads ?? []);

/**
 * Rows of completed tasks that commands need. They are fetched in one batch before the tick; between
 * the asking and the answer a task may be completed, changed or deleted by others, so what left memory
 * meanwhile is remembered and outweighs the answer.
 */
export class WorkingSet {
  /** What left memory while a fetch was under way; null: deleted. */
  readonly #left = new Map<TaskKey, Task | null>();
  /** Jobs whose tasks went while a fetch was under way. */
  readonly #goneJobs = new Set<JobKey>();
  #fetching = false;

  constructor(private readonly state: State) {}

  /** Keys that must be fetched before the command runs: a job without completed tasks has all in memory. */
  missing(command: Command<unknown>): TaskKey[] {
    return loadsOf(command, this.state).filter((key) => {
      if (this.state.hasTask(key)) return false;
      const job = this.state.jobs.get(jobOf(key));
      return job !== undefined && job.taskCounts.completed > 0;
    });
  }

  begin(): void {
    this.#left.clear();
    this.#goneJobs.clear();
    this.#fetching = true;
  }

  /** Puts fetched rows into memory for this tick; call `begin` before the store was asked. */
  end(rows: readonly Task[]): void {
    this.#fetching = false;
    for (const row of rows) {
      const task = this.#left.get(row.key);
      if (task === null || this.state.hasTask(row.key) || !this.#isThere(row)) continue;
      this.#pin(task ?? row);
    }
    for (const task of this.#left.values())
      if (task !== null && !this.state.hasTask(task.key) && this.state.jobs.has(task.job))
        this.#pin(task);
    this.#left.clear();
  }

  /** A job of the same name may have come after the one that the row belongs to. */
  #isThere(task: Task): boolean {
    return this.state.jobs.has(task.job) && !this.#goneJobs.has(task.job);
  }

  #pin(task: Task): void {
    this.state.tasks.set(task.key, task);
    this.state.toEvict.add(task);
  }

  /** After a commit: completed tasks leave memory, deleted ones have left it. */
  evict(deleted: Iterable<TaskKey>, jobsWithoutTasks: Iterable<JobKey>): void {
    if (this.#fetching) {
      for (const key of deleted) this.#left.set(key, null);
      for (const job of jobsWithoutTasks) this.#goneJobs.add(job);
    }
    for (const task of this.state.toEvict) {
      if (this.state.tasks.get(task.key) !== task || task.state !== 'completed') continue;
      this.state.tasks.delete(task.key);
      if (this.#fetching) this.#left.set(task.key, task);
    }
    this.state.toEvict.clear();
  }
}
