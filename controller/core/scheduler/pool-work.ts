import type { PoolKey } from '../../../protocol/keys.js';
import { JobOrder } from './job-order.js';
import type { Task } from '../task/state.js';
import type { NodeLoad } from './fit.js';

/**
 * What scheduling knows of one pool: its jobs' order, and its nodes that take tasks, listed by the
 * slots they hold, so that the emptiest or fullest that fits is found without looking at all.
 */
export class PoolWork {
  readonly order = new JobOrder();
  /** Nodes that take tasks, by used slots. */
  readonly byUsed: Set<NodeLoad>[] = [];
  listed = 0;
  /** Nodes kept free for a task that needs more slots, or more nodes, than there are left. */
  readonly reserved = new Set<NodeLoad>();
  /** Multi-instance tasks that need more nodes than take tasks now. */
  readonly waitForNodes = new Set<Task>();

  constructor(readonly key: PoolKey) {}

  list(load: NodeLoad): void {
    if (load.listed === load.used) return;
    this.unlist(load);
    (this.byUsed[load.used] ??= new Set()).add(load);
    load.listed = load.used;
    this.listed += 1;
  }

  unlist(load: NodeLoad): void {
    if (load.listed === undefined) return;
    this.byUsed[load.listed]?.delete(load);
    load.listed = undefined;
    this.listed -= 1;
    this.reserved.delete(load);
  }
}
