import { Heap } from '../heap.js';
import type { Task } from '../task/state.js';

const before = (a: Task, b: Task) =>
  a.isJobManager !== b.isJobManager ? a.isJobManager : a.sequence < b.sequence;

/**
 * Tasks of one job that may run, in order: the job manager first, then first in, first out. Entries
 * are not taken out when a task leaves by another door (terminated, deleted, disabled): whoever looks
 * at the front says which entries still count.
 */
export class ReadyQueue {
  readonly #heap = new Heap<Task>(before);

  get length(): number {
    return this.#heap.length;
  }

  /** Entries that count, before a task in order where one is given, at most `most`: looks at all. */
  count(counts: (task: Task) => boolean, most: number, than?: Task): number {
    let found = 0;
    for (const task of this.#heap.items) {
      if (found >= most) break;
      if ((than === undefined || before(task, than)) && task !== than && counts(task)) found += 1;
    }
    return found;
  }

  push(task: Task): void {
    this.#heap.push(task);
  }

  /** The first task for which `counts` holds; those before it are dropped. */
  peek(counts: (task: Task) => boolean): Task | undefined {
    for (;;) {
      const top = this.#heap.first;
      if (top === undefined || counts(top)) return top;
      this.pop();
    }
  }

  pop(): Task | undefined {
    return this.#heap.pop();
  }
}
