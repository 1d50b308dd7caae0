import type { TaskAdd } from '../../../protocol/batch/task.js';
import type { Task } from '../task/state.js';

type DependsOn = NonNullable<TaskAdd['dependsOn']>;

interface Waiter {
  readonly task: Task;
  readonly dependsOn: DependsOn;
  /** Ids and ranges that are not satisfied yet. */
  missing: number;
}

interface MissingRange {
  start: number;
  end: number;
  /** Numbers that no task has satisfied; the first of them. */
  missing: number;
  first: number;
}

interface Range {
  readonly start: number;
  readonly end: number;
  /** Numbers in it that no task has satisfied. */
  missing: number;
  readonly waiters: Waiter[];
}

/** Ids of ranges match numerically, leading zeros ignored; others are in no range (section 11). */
const numberOf = (taskId: string) => (/^\d{1,15}$/.test(taskId) ? Number(taskId) : undefined);

/**
 * What the tasks of one job wait for. Completion is remembered by id, beyond the task's own life, so
 * that a child that comes later finds it. Ids are compared without case.
 */
export class Dependencies {
  readonly #satisfied = new Set<string>();
  readonly #numbers = new Set<number>();
  readonly #waiters = new Map<Task, Waiter>();
  #byId = new Map<string, Waiter[]>();
  #ranges = new Map<string, Range>();

  isBlocked(task: Task): boolean {
    return (this.#waiters.get(task)?.missing ?? 0) > 0;
  }

  /** The task was taken up and not removed: what it waited for may be taken back. */
  has(task: Task): boolean {
    return this.#waiters.has(task);
  }

  isSatisfied(taskId: string): boolean {
    return this.#satisfied.has(taskId.toLowerCase());
  }

  /** Tasks that were taken up and not removed, blocked or not. */
  get size(): number {
    return this.#waiters.size;
  }

  get satisfiedIds(): ReadonlySet<string> {
    return this.#satisfied;
  }

  /** What the task still waits for, the first `most` of each kind: for explanations. */
  missingOf(task: Task, most: number): { ids: string[]; count: number; ranges: MissingRange[] } {
    const dependsOn: DependsOn = this.#waiters.get(task)?.dependsOn ?? {};
    const ids = [...new Set((dependsOn.taskIds ?? []).map((id) => id.toLowerCase()))].filter(
      (id) => !this.#satisfied.has(id),
    );
    const ranges = (dependsOn.taskIdRanges ?? []).flatMap(({ start, end }) => {
      const missing = this.#ranges.get(`${start}-${end}`)?.missing ?? 0;
      if (missing <= 0) return [];
      let first = start;
      while (this.#numbers.has(first)) first += 1;
      return [{ start, end, missing, first }];
    });
    return { ids: ids.slice(0, most), count: ids.length, ranges: ranges.slice(0, most) };
  }

  /** Takes up a task; says afterwards with `isBlocked` whether it must wait. */
  add(task: Task, dependsOn: DependsOn): void {
    const waiter: Waiter = { task, dependsOn, missing: 0 };
    this.#waiters.set(task, waiter);
    this.#index(waiter);
  }

  /** Forgets what a task waits for (it runs, or is gone). */
  remove(task: Task): void {
    const waiter = this.#waiters.get(task);
    if (waiter === undefined) return;
    this.#waiters.delete(task);
    waiter.missing = -1;
  }

  /** Remembers the completion; returns the tasks that wait for nothing more. */
  satisfy(taskId: string): Task[] {
    const id = taskId.toLowerCase();
    if (this.#satisfied.has(id)) return [];
    this.#satisfied.add(id);
    const freed: Task[] = [];
    const release = (waiter: Waiter) => {
      waiter.missing -= 1;
      if (waiter.missing === 0) freed.push(waiter.task);
    };
    this.#byId.get(id)?.forEach(release);
    this.#byId.delete(id);
    const number = numberOf(id);
    if (number === undefined || this.#numbers.has(number)) return freed;
    this.#numbers.add(number);
    for (const [name, range] of this.#ranges) {
      if (number < range.start || number > range.end) continue;
      range.missing -= 1;
      if (range.missing > 0) continue;
      this.#ranges.delete(name);
      range.waiters.forEach(release);
    }
    return freed;
  }

  /** Takes a completion back (its task was reactivated): tasks that have not begun wait again. */
  unsatisfy(taskId: string): void {
    const id = taskId.toLowerCase();
    if (!this.#satisfied.delete(id)) return;
    this.#numbers.clear();
    for (const one of this.#satisfied) {
      const number = numberOf(one);
      if (number !== undefined) this.#numbers.add(number);
    }
    this.#byId = new Map();
    this.#ranges = new Map();
    for (const waiter of this.#waiters.values()) {
      waiter.missing = 0;
      this.#index(waiter);
    }
  }

  #index(waiter: Waiter): void {
    const ids = new Set((waiter.dependsOn.taskIds ?? []).map((id) => id.toLowerCase()));
    for (const id of ids) {
      if (this.#satisfied.has(id)) continue;
      waiter.missing += 1;
      const waiting = this.#byId.get(id);
      if (waiting === undefined) this.#byId.set(id, [waiter]);
      else waiting.push(waiter);
    }
    for (const { start, end } of waiter.dependsOn.taskIdRanges ?? []) {
      const range = this.#range(start, end);
      if (range.missing <= 0) continue;
      waiter.missing += 1;
      range.waiters.push(waiter);
    }
  }

  #range(start: number, end: number): Range {
    const name = `${start}-${end}`;
    const present = this.#ranges.get(name);
    if (present !== undefined) return present;
    const size = Math.max(0, end - start + 1);
    let found = 0;
    if (size < this.#numbers.size) {
      for (let number = start; number <= end; number += 1)
        if (this.#numbers.has(number)) found += 1;
    } else {
      for (const number of this.#numbers) if (number >= start && number <= end) found += 1;
    }
    const range: Range = { start, end, missing: size - found, waiters: [] };
    if (range.missing > 0) this.#ranges.set(name, range);
    return range;
  }
}
