import type { JobNode } from '../job-node/state.js';
import type { Node } from '../node/state.js';
import type { Subtask, Task } from '../task/state.js';
import type { NodeList } from './node-list.js';

/** Most attempts beyond its slots that a node gets in advance, and the time they should last for. */
export const PREFETCH_MAXIMUM = 64;
const PREFETCH_MS = 200;
/**
 * Most that all nodes of a pool get in advance, some two seconds of what one controller commits: many
 * nodes keep it busy with what they run, and more would only make its commits large and late.
 */
const PREFETCH_POOL_MAXIMUM = 20_000;
/** Only tasks that lately ran shorter than this are given in advance. */
const SHORT_MS = 500;

/** How many attempts beyond its slots a node may get of a job whose tasks take so long on average. */
export function prefetchOf(averageRunMs: number | undefined): number {
  if (averageRunMs === undefined || averageRunMs >= SHORT_MS) return 0;
  return Math.min(PREFETCH_MAXIMUM, Math.ceil(PREFETCH_MS / Math.max(averageRunMs, 0.1)));
}

/** The same for each of so many nodes that take tasks. */
export const prefetchOfEach = (averageRunMs: number | undefined, nodes: number): number =>
  Math.min(prefetchOf(averageRunMs), Math.floor(PREFETCH_POOL_MAXIMUM / Math.max(nodes, 1)));

/** What is left of a deleted task on its node. */
export interface Ghost {
  slots: number;
  /** Its files, which go when it has died; absent where they stay. */
  directory?: string;
  since: number;
  /**
   * Its agent has begun it, and will say when it is dead. One that never reached its agent (its body went
   * with the task, or it waited for a preparation) is given up after a while instead.
   */
  heard: boolean;
}

/** What a node holds, in slots; kept beside the node, never durable. */
export class NodeLoad {
  /** Attempts the node has, begun or not. */
  readonly attempts = new Map<Task, { slots: number; short: boolean }>();
  /** Attempts of deleted tasks that still die there, by `taskKey#attempt`. */
  readonly ghosts = new Map<string, Ghost>();
  /** Parts of multi-instance tasks, one slot each. */
  readonly subtasks = new Set<Subtask>();
  /** Slots of all of the above. */
  used = 0;
  /** Job preparation and release tasks that are with the node: they take no slots. */
  readonly special = new Set<JobNode>();
  /** Those of attempts that are not known to be short: they make room late. */
  long = 0;
  /** The placement list of its pool that it is in, and its neighbours there (`NodeList`). */
  list: NodeList | undefined;
  before: NodeLoad | undefined;
  after: NodeLoad | undefined;

  constructor(readonly node: Node) {}

  /** Nothing of any task is or dies on the node. */
  get isEmpty(): boolean {
    return this.attempts.size + this.ghosts.size + this.subtasks.size + this.special.size === 0;
  }
}
