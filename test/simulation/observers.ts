import type { Assignment } from '../../protocol/agent/assignment.js';
import type { NodeKey, TaskKey } from '../../protocol/keys.js';
import type { Acknowledged } from './acknowledged.js';
import type { Commit, Committed } from './committed.js';
import type { Options } from './options.js';

/** One agent's process, as seen by someone who stands beside the node. */
export interface AgentSight {
  readonly nodeKey: NodeKey;
  readonly incarnation: number;
  /** In true time, the last instant up to which an answered heartbeat lets it run tasks. */
  readonly leaseUntil: number;
  readonly slots: number;
}

/** A try whose processes exist on a node. */
export interface RunningTry {
  readonly agent: AgentSight;
  readonly taskKey: TaskKey;
  readonly attempt: number;
  readonly assignment: Assignment;
  readonly startedAt: number;
}

/** What everybody can see from outside. */
export interface Sight {
  readonly now: number;
  readonly committed: Committed;
  /** All tries that run on any node, leased or not. */
  readonly running: ReadonlySet<RunningTry>;
  readonly acknowledged: Acknowledged;
  /** Nodes that exist, and where. */
  readonly hypervisor: {
    readonly places: Iterable<{ nodeKey: NodeKey; hypervisor: string | undefined }>;
    /** It has answered for so long. */
    answers(name: string, forMs?: number): boolean;
    vcpusOf(name: string): number;
  };
  readonly options: Options;
}

/** One invariant, watching from outside. Each method is called as the thing happens. */
export interface Checker {
  readonly name: string;
  committed?(commit: Commit, sight: Sight): void;
  /** The processes of a try begin; it is in `sight.running` already. */
  started?(started: RunningTry, sight: Sight): void;
  ended?(ended: RunningTry, sight: Sight): void;
  /** A new controller has read what is durable and takes commands. */
  recovered?(sight: Sight): void;
  /** A command was acknowledged to its client. */
  acknowledged?(sight: Sight): void;
  /** Everything has come to rest. */
  finished?(sight: Sight): void;
}

/** Special tasks run once on each node: what must be one at a time is the task on its node. */
export const nameOfTry = ({ taskKey, requiredSlots }: Assignment, nodeKey: NodeKey) =>
  (requiredSlots === 0 ? `${taskKey}@${nodeKey}` : taskKey) as TaskKey;
