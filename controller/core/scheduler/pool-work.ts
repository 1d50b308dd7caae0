import type { PoolKey } from '../../../protocol/keys.js';
import { JobOrder } from './job-order.js';
import type { Task } from '../task/state.js';
import type { NodeLoad } from './fit.js';
import { NodeList } from './node-list.js';

/**
 * What scheduling knows of one pool: its jobs' order, and its nodes that take tasks, listed by the
 * slots they hold, so that the emptiest or fullest that fits is found without looking at all.
 */
export class PoolWork {
  readonly order = new JobOrder();
  /** Nodes that take tasks, by used slots: those that may get more, now or in advance. */
  readonly byUsed: (NodeList | undefined)[] = [];
  /** The same of nodes whose slots are all taken by attempts that make room late: they get nothing. */
  readonly fullByUsed: (NodeList | undefined)[] = [];
  listed = 0;
  /** Nodes kept free for a task that needs more slots, or more nodes, than there are left. */
  readonly reserved = new Set<NodeLoad>();
  /** Multi-instance tasks that need more nodes than take tasks now. */
  readonly waitForNodes = new Set<Task>();

  constructor(readonly key: PoolKey) {}

  /** Puts the node where it belongs. @param slots of each of the pool's nodes */
  list(load: NodeLoad, slots: number): void {
    const lists = load.long < slots ? this.byUsed : this.fullByUsed;
    const list = (lists[load.used] ??= new NodeList());
    if (load.list === list) return;
    if (load.list === undefined) this.listed += 1;
    list.add(load);
  }

  unlist(load: NodeLoad): void {
    if (load.list === undefined) return;
    load.list.delete(load);
    this.listed -= 1;
    this.reserved.delete(load);
  }

  /** All listed nodes, those with the fewest used slots first. */
  *nodes(): Generator<NodeLoad> {
    const levels = Math.max(this.byUsed.length, this.fullByUsed.length);
    for (let used = 0; used < levels; used += 1) {
      yield* this.byUsed[used] ?? [];
      yield* this.fullByUsed[used] ?? [];
    }
  }
}
