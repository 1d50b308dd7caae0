import { Heap } from '../heap.js';
import type { Task } from '../task/state.js';
import type { Mould } from './mould.js';
import type { Shelf } from './shelf.js';

const before = (a: Task, b: Task) =>
  a.isJobManager !== b.isJobManager ? a.isJobManager : a.sequence < b.sequence;

/** Whose queue it is: keeps the tasks that are in memory as themselves. */
export interface Keeper {
  /** The task has left the shelf. */
  lifted(task: Task): void;
  /** The task is on the shelf now. */
  shelved(task: Task): void;
  /** There is something for `shelve`. */
  mayShelve(): void;
}

/**
 * Tasks of one job that may run, in order: the job manager first, then first in, first out. Those that
 * were queued in this tick stay as they are; after its commit they go to the shelf where they can.
 * Entries are not taken out when a task leaves by another door (terminated, deleted, disabled): whoever
 * looks at the front says which entries still count. On the shelf all count.
 */
export class ReadyQueue {
  #fresh = new Heap<Task>(before);
  #heap = new Heap<Task>(before);
  /** Those of this tick that were dropped: they may count again, but have no turn before `restart`. */
  #dropped: Task[] = [];

  constructor(
    private readonly shelf: Shelf,
    private readonly keeper: Keeper,
  ) {}

  get length(): number {
    return this.#fresh.length + this.#heap.length + this.shelf.waiting;
  }

  /** Entries that count, before a task in order where one is given, at most `most`: looks at all. */
  count(counts: (task: Task) => boolean, most: number, than?: Task): number {
    let found = 0;
    for (const { items } of [this.#heap, this.#fresh])
      for (const task of items) {
        if (found >= most) return found;
        if ((than === undefined || before(task, than)) && task !== than && counts(task)) found += 1;
      }
    if (than?.isJobManager === true) return found;
    return found + this.shelf.countBefore(than?.sequence ?? Infinity, most - found);
  }

  push(task: Task): void {
    this.#fresh.push(task);
    if (this.#fresh.length === 1) this.keeper.mayShelve();
  }

  /**
   * The first task for which `counts` holds; those before it are dropped. `fits`: the same of a task that
   * is on the shelf, by what it has in common with others; those for which it does not hold are set aside.
   */
  peek(
    counts: (task: Task) => boolean,
    fits: (mould: Mould) => boolean = () => true,
  ): Task | undefined {
    for (;;) {
      const top = this.#top()?.first;
      const packed = this.shelf.first();
      if (packed === undefined || isFirst(top, packed.sequence)) {
        if (top === undefined || counts(top)) return top;
        if (top === this.#fresh.first) this.#dropped.push(top);
        this.pop();
      } else if (!fits(packed.mould)) this.shelf.setFirstAside();
      else this.#lift(this.shelf.takeFirst());
    }
  }

  /** Takes out what `peek` gave. */
  pop(): Task | undefined {
    return this.#top()?.pop();
  }

  /** Takes the task from the shelf, if it is there: it keeps its turn. */
  lift(id: string): Task | undefined {
    const task = this.shelf.take(id);
    if (task === undefined) return undefined;
    this.keeper.lifted(task);
    this.push(task);
    return task;
  }

  /** Puts what was queued since the last time on the shelf, where it counts and can be packed. */
  shelve(counts: (task: Task) => boolean): void {
    for (const task of this.#fresh.items)
      if (counts(task) && this.shelf.put(task)) this.keeper.shelved(task);
      else this.#heap.push(task);
    for (const task of this.#dropped)
      if (counts(task) && this.shelf.put(task, true)) this.keeper.shelved(task);
    this.#fresh = new Heap(before);
    this.#dropped = [];
  }

  /** Forgets every entry but those on the shelf, which all have their turn again. */
  restart(): void {
    this.#fresh = new Heap(before);
    this.#heap = new Heap(before);
    this.#dropped = [];
    this.shelf.reorder();
  }

  #lift(task: Task | undefined): void {
    if (task === undefined) return;
    this.keeper.lifted(task);
    // Not to the fresh ones: it is about to be placed, and is not packed again if it is not.
    this.#heap.push(task);
  }

  /** The heap that holds the first entry. */
  #top(): Heap<Task> | undefined {
    const [a, b] = [this.#heap.first, this.#fresh.first];
    if (a === undefined) return b === undefined ? undefined : this.#fresh;
    return b === undefined || before(a, b) ? this.#heap : this.#fresh;
  }
}

const isFirst = (task: Task | undefined, sequence: number) =>
  task !== undefined && (task.isJobManager || task.sequence < sequence);
