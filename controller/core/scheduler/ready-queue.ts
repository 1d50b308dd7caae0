import type { Task } from '../task/state.js';

const before = (a: Task, b: Task) =>
  a.isJobManager !== b.isJobManager ? a.isJobManager : a.sequence < b.sequence;

/**
 * Tasks of one job that may run, in order: the job manager first, then first in, first out. Entries
 * are not taken out when a task leaves by another door (terminated, deleted, disabled): whoever looks
 * at the front says which entries still count.
 */
export class ReadyQueue {
  readonly #heap: Task[] = [];

  get length(): number {
    return this.#heap.length;
  }

  push(task: Task): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(task);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !before(task, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = task;
  }

  /** The first task for which `counts` holds; those before it are dropped. */
  peek(counts: (task: Task) => boolean): Task | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || counts(top)) return top;
      this.pop();
    }
  }

  pop(): Task | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        down += 1;
      }
      if (!before(child, last)) break;
      heap[i] = child;
      i = down;
    }
    heap[i] = last;
    return top;
  }
}
