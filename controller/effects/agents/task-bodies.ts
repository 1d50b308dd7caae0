import type { TaskKey } from '../../../protocol/keys.js';
import type { TaskBody } from '../../engine/ports.js';

type Bodies = ReadonlyMap<TaskKey, TaskBody>;

/** Reads bodies from the store for many nodes at a time: all that is asked for in one turn is one query. */
export class TaskBodies {
  private wanted = new Set<TaskKey>();
  private next: Promise<Bodies> | undefined;

  constructor(private readonly query: (keys: readonly TaskKey[]) => Promise<Bodies>) {}

  /** Those asked for and others; one that the store has not is not among them. */
  read(keys: readonly TaskKey[]): Promise<Bodies> {
    for (const key of keys) this.wanted.add(key);
    this.next ??= Promise.resolve().then(() => {
      const wanted = [...this.wanted];
      this.wanted.clear();
      this.next = undefined;
      return this.query(wanted);
    });
    return this.next;
  }
}
