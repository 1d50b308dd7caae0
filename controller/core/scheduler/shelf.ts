import { taskKey, type JobKey } from '../../../protocol/keys.js';
import { Heap } from '../heap.js';
import type { Task } from '../task/state.js';
import { isPlain, Moulds, type Mould } from './mould.js';

const FIRST_CAPACITY = 8;

/**
 * Tasks of one job that wait for nothing but room, packed: a few columns of numbers, one string a task,
 * and once what they have in common. A task is made anew from that when its turn comes or somebody asks
 * for it: all of it is here, nothing is read from the store. A task is on the shelf or in memory as
 * itself, never both.
 */
export class Shelf {
  readonly #slots = new Map<string, number>();
  readonly moulds = new Moulds();
  /** The columns. A slot without an id is free, or will be when its turn comes. */
  #ids: (string | undefined)[] = [];
  #sequence = new Float64Array(FIRST_CAPACITY);
  #creationTime = new Float64Array(FIRST_CAPACITY);
  #mould = new Uint16Array(FIRST_CAPACITY);
  #free: number[] = [];
  /** Slots by their tasks' sequence numbers; some of them may have lost their tasks. */
  #order = this.#newOrder();
  /** Slots of tasks that have no turn. */
  readonly #aside = new Set<number>();

  constructor(private readonly job: JobKey) {}

  /** Tasks. */
  get size(): number {
    return this.#slots.size;
  }

  /** Those of them that were not set aside. */
  get waiting(): number {
    return this.#slots.size - this.#aside.size;
  }

  has(id: string): boolean {
    return this.#slots.has(id.toLowerCase());
  }

  /** Takes the task up if it can be packed; else nothing has changed. `aside`: it has no turn until `reorder`. */
  put(task: Task, aside = false): boolean {
    const name = task.id.toLowerCase();
    if (!isPlain(task) || this.#slots.has(name)) return false;
    const mould = this.moulds.add(task);
    if (mould === undefined) return false;
    const slot = this.#free.pop() ?? this.#ids.length;
    if (slot >= this.#sequence.length) this.#grow();
    this.#ids[slot] = name === task.id ? name : task.id;
    this.#sequence[slot] = task.sequence;
    this.#creationTime[slot] = task.creationTime;
    this.#mould[slot] = mould;
    this.#slots.set(name, slot);
    if (aside) this.#aside.add(slot);
    else this.#order.push(slot);
    return true;
  }

  /** Of the first in order. */
  first(): { sequence: number; mould: Mould } | undefined {
    const slot = this.#firstSlot();
    if (slot === undefined) return undefined;
    return { sequence: this.#sequenceOf(slot), mould: this.moulds.get(this.#mould[slot] ?? 0) };
  }

  /** Takes the first in order out. */
  takeFirst(): Task | undefined {
    const slot = this.#firstSlot();
    if (slot === undefined) return undefined;
    this.#order.pop();
    this.#free.push(slot);
    return this.#empty(slot);
  }

  /** The first in order has no turn until `reorder`: the next one is the first now. */
  setFirstAside(): void {
    const slot = this.#firstSlot();
    if (slot === undefined) return;
    this.#order.pop();
    this.#aside.add(slot);
  }

  /** Those that were set aside have their turn again. */
  reorder(): void {
    for (const slot of this.#aside) this.#order.push(slot);
    this.#aside.clear();
  }

  /** Takes a task out. */
  take(id: string): Task | undefined {
    const slot = this.#slots.get(id.toLowerCase());
    if (slot === undefined) return undefined;
    // One that is in the order is free when its turn comes.
    if (this.#aside.delete(slot)) this.#free.push(slot);
    return this.#empty(slot);
  }

  /** The task as it would be taken out. */
  copyOf(id: string): Task | undefined {
    const slot = this.#slots.get(id.toLowerCase());
    return slot === undefined ? undefined : this.#taskAt(slot);
  }

  /** All tasks, in no order: ids as they were given, and when each was added (epoch milliseconds). */
  *[Symbol.iterator](): Iterator<{ id: string; creationTime: number; mould: Mould }> {
    for (const slot of this.#slots.values())
      yield {
        id: this.#ids[slot] ?? '',
        creationTime: this.#creationTime[slot] ?? 0,
        mould: this.moulds.get(this.#mould[slot] ?? 0),
      };
  }

  /** Tasks whose turn comes before a sequence number's, at most `most`: may look at all. */
  countBefore(sequence: number, most: number): number {
    if (sequence === Infinity) return Math.min(this.waiting, most);
    let found = 0;
    for (const slot of this.#order.items) {
      if (found >= most) break;
      if (this.#ids[slot] !== undefined && this.#sequenceOf(slot) < sequence) found += 1;
    }
    return found;
  }

  #newOrder(): Heap<number> {
    return new Heap((a, b) => this.#sequenceOf(a) < this.#sequenceOf(b));
  }

  #sequenceOf(slot: number): number {
    return this.#sequence[slot] ?? Infinity;
  }

  /** Frees the slots of tasks that were taken out before their turn. */
  #firstSlot(): number | undefined {
    for (;;) {
      const slot = this.#order.first;
      if (slot === undefined || this.#ids[slot] !== undefined) return slot;
      this.#order.pop();
      this.#free.push(slot);
    }
  }

  #empty(slot: number): Task {
    const task = this.#taskAt(slot);
    this.#slots.delete(task.id.toLowerCase());
    this.moulds.drop(this.#mould[slot] ?? 0);
    this.#ids[slot] = undefined;
    if (this.#slots.size === 0) this.#clear();
    return task;
  }

  #taskAt(slot: number): Task {
    const id = this.#ids[slot] ?? '';
    const time = this.#creationTime[slot] ?? 0;
    return {
      key: taskKey(this.job, id),
      job: this.job,
      id,
      sequence: this.#sequenceOf(slot),
      isJobManager: false,
      runExclusive: false,
      state: 'active',
      stateTransitionTime: time,
      creationTime: time,
      lastModified: time,
      version: 1,
      ...this.moulds.get(this.#mould[slot] ?? 0),
      execution: { retryCount: 0, requeueCount: 0 },
    };
  }

  #clear(): void {
    this.#ids = [];
    this.#free = [];
    this.#order = this.#newOrder();
    this.#sequence = new Float64Array(FIRST_CAPACITY);
    this.#creationTime = new Float64Array(FIRST_CAPACITY);
    this.#mould = new Uint16Array(FIRST_CAPACITY);
  }

  #grow(): void {
    const capacity = this.#sequence.length * 2;
    const [sequence, creationTime] = [new Float64Array(capacity), new Float64Array(capacity)];
    const mould = new Uint16Array(capacity);
    sequence.set(this.#sequence);
    creationTime.set(this.#creationTime);
    mould.set(this.#mould);
    [this.#sequence, this.#creationTime, this.#mould] = [sequence, creationTime, mould];
  }
}
