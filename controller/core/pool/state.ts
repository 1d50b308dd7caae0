import type { PoolAdd } from '../../../protocol/batch/pool.js';
import type { AccountKey, NodeKey, PoolKey } from '../../../protocol/keys.js';
import type { ImageName } from '../settings.js';

/** active: takes jobs; deleting: its nodes go, then the pool itself. */
type PoolState = 'active' | 'deleting';

/**
 * steady    nodes are as many as the targets say, or the resize ended with errors
 * resizing  nodes are being made or removed
 * stopping  a resize is being stopped
 */
export type AllocationState = 'steady' | 'resizing' | 'stopping';

export type NodeDeallocationOption = 'requeue' | 'terminate' | 'taskcompletion' | 'retaineddata';

interface ResizeError {
  code: string;
  message: string;
  values: { name: string; value: string }[];
}

/** One evaluation of a pool's formula, as AutoScaleRun shows it. */
export interface AutoScaleRun {
  timestamp: number;
  results: string;
  error?: { code: string; message: string; values: { name: string; value: string }[] };
}

/** What the pool remembers of automatic scaling; its formula and interval are in the specification. */
interface AutoScale {
  /** When the formula is evaluated next; absent while automatic scaling is off. */
  evaluateAt?: number;
  run?: AutoScaleRun;
  /** The last Pool_EnableAutoScale that changed something: the next must wait. */
  enabledAt?: number;
}

export interface Pool {
  /** Numbers of nodes that were given. */
  nextNodeNumber?: number;
  /** Of dedicated nodes that are gone. */
  pastDedicatedCoreMs?: number;
  readonly key: PoolKey;
  readonly account: AccountKey;
  readonly id: string;
  /** The validated body of Pool_Add with its defaults; changed by patch and update. */
  specification: PoolAdd;
  state: PoolState;
  stateTransitionTime: number;
  allocationState: AllocationState;
  allocationStateTransitionTime: number;
  targetDedicatedNodes: number;
  targetLowPriorityNodes: number;
  /** Of the resize under way or the last one. */
  resize: { startTime: number; timeoutMs: number; nodeDeallocationOption: NodeDeallocationOption };
  resizeErrors: ResizeError[];
  autoScale?: AutoScale;
  /** What its nodes run, where it has a cloudServiceConfiguration. */
  readonly cloudServiceImage?: ImageName;
  /** An upgrade of its OS: what it had before, and the nodes, with their incarnations, that are still to come. */
  upgrade?: { from: string; nodes: Record<NodeKey, number> };
  /** Provider that owns its nodes, decided at add by the image. */
  readonly nodeProvider: 'process' | 'libvirt';
  /** How often what nodes take at their next boot was changed, and which version changed what. Absent: never. */
  late?: {
    version: number;
    since: Partial<
      Record<'startTask' | 'certificateReferences' | 'applicationPackageReferences', number>
    >;
    /** What nodes that were configured before version `until` have, oldest first, while there are such nodes. */
    past?: {
      until: number;
      certificateReferences: NonNullable<PoolAdd['certificateReferences']>;
    }[];
  };
  /** Nodes, with their incarnations, that still have the image from before, and how they get the new one. */
  imageUpgrade?: {
    nodes: Record<NodeKey, number>;
    option: NodeDeallocationOption;
    maxParallelNodes: number;
  };
  creationTime: number;
  lastModified: number;
  /** Grows with each change that a client's ETag must notice. */
  version: number;
}
