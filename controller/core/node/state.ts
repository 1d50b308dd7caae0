import type { ContainerInfo, FailureInfo } from '../../../protocol/agent/event.js';
import type { AttemptRef, NodeMetrics } from '../../../protocol/agent/message.js';
import type { ImageReference } from '../../../protocol/batch/virtual-machine.js';
import type { AccountKey, NodeKey, PoolKey } from '../../../protocol/keys.js';
import type { RunUsage } from '../task/usage.js';
import type { NodeDeallocationOption } from '../pool/state.js';

/** The contract's section 7.2, one line a state. */
export type NodeState =
  | 'creating' // the provider is asked for it
  | 'starting' // it exists; its agent has not prepared it yet
  | 'waitingforstarttask' // a start task with waitForSuccess runs
  | 'idle' // ready, no task runs
  | 'running' // at least one job task runs
  | 'starttaskfailed' // the start task's retries are used up
  | 'rebooting'
  | 'reimaging'
  | 'leavingpool' // takes no task; goes once its tasks are dealt with
  | 'offline' // scheduling disabled and nothing runs
  | 'unusable' // preparation failed, see `errors`
  | 'unknown' // its lease ended without a word
  | 'preempted';

export interface StartTaskInfo {
  state: 'running' | 'completed';
  startTime: number;
  endTime?: number;
  exitCode?: number;
  failureInfo?: FailureInfo;
  containerInfo?: ContainerInfo;
  result?: 'success' | 'failure';
  retryCount: number;
  lastRetryTime?: number;
  /** Of the node, when it ran. */
  incarnation?: number;
  used?: RunUsage;
}

/** Someone who may log in. What only the login needs (a password) is never kept. */
export interface NodeUser {
  name: string;
  isAdmin: boolean;
  /** Epoch milliseconds; from then on there is no such user. */
  expiryTime: number;
  sshPublicKey?: string;
  /** Users go with the disk they were made on. */
  diskIncarnation: number;
}

/** A task that ran on the node lately. Its name alone: how it stands, its own row tells. */
export interface RecentTask {
  jobId: string;
  taskId: string;
  /** Which part of a multi-instance task; 0: the primary. */
  subtaskId?: number;
}

/** A port of its host that leads to a port of the node, whose own address can't be reached. */
export interface NodeForward {
  protocol: 'tcp' | 'udp';
  backendPort: number;
  address: string;
  port: number;
}

export interface Node {
  readonly key: NodeKey;
  readonly pool: PoolKey;
  readonly account: AccountKey;
  readonly id: string;
  readonly isDedicated: boolean;
  state: NodeState;
  stateTransitionTime: number;
  schedulingState: 'enabled' | 'disabled';
  allocationTime: number;
  lastBootTime?: number;
  /** One boot of the node; grows by 1 with each create, reboot or reimage. */
  incarnation: number;
  /** The incarnation that began with a fresh disk; absent: the first. */
  diskIncarnation?: number;
  /** SHA-256 (hex) of the secret its agent enrolled with; absent until then. */
  secretHash?: string;
  /** Highest agent event of this incarnation that is in the state. */
  lastEventSequence: number;
  ipAddress?: string;
  /** Of this incarnation. */
  forwards?: readonly NodeForward[];
  startTaskInfo?: StartTaskInfo;
  /** Runs of its start task so far, in all its lives: the number of the latest one. */
  startTaskRuns?: number;
  errors: { code: string; message: string; errorDetails: { name: string; value: string }[] }[];
  /** Set while it leaves, with the option that its tasks get. */
  leaving?: {
    option: NodeDeallocationOption;
    since: number;
    /** Its tasks are dealt with (or took too long): the provider may destroy it now, not before. */
    drained?: boolean;
  };
  /** What happens once its tasks are dealt with, for reboot, reimage and disabled scheduling. */
  draining?: {
    option: NodeDeallocationOption;
    since: number;
    then: 'reboot' | 'reimage' | 'offline';
  };
  /** Its room is wanted for a dedicated node: it goes once its tasks have been stopped, and may come back. */
  preempting?: {
    since: number;
    /** As of `leaving`. */
    drained?: boolean;
  };
  /** Where it is placed, and what it takes there; absent: nowhere yet, or where nothing is counted. */
  hypervisor?: string;
  /** Version of its pool (core/pool/late-changes.ts) that it was configured with, or is made for. */
  poolVersion?: number;
  /** What its disk was made of, where its pool has another image since. */
  imageReference?: ImageReference;
  /** Addresses of the hypervisor's devices that are its own. */
  hostDevices?: string[];
  /** The start task of this incarnation must succeed before tasks run. */
  awaitsStartTask?: boolean;
  totalTasksRun: number;
  totalTasksSucceeded: number;
  runningTasksCount: number;
  runningTaskSlotsCount: number;
  agentVersion?: string;
  /** What its agent says of how it runs tasks (whose users they are …). */
  remarks?: string[];
  /** From 0 in its pool, never given twice: names its endpoints. */
  readonly number?: number;
  users?: NodeUser[];
  /** The newest first, a task once. */
  recentTasks?: RecentTask[];
  /** In memory only: never part of the row. */
  readonly session: NodeSession;
}

/** What a restart of the controller may forget about a node. */
export interface NodeSession {
  /** The link that speaks for this incarnation, if one is open. */
  id?: string;
  /** The controller's view of the lease, epoch milliseconds, grace included. */
  leaseUntil: number;
  /** Where the clock was set back while no controller ran: when this one began, since the node's state began later. */
  countsFrom?: number;
  /** When a node that was lost is made again. */
  retryAt?: number;
  /** Losses in a row, for the back-off. */
  failures: number;
  metrics?: NodeMetrics;
  /** Data of ended tasks is kept there, as far as is known: `retaineddata` waits for its end. */
  retains?: boolean;
  /** Directories to remove once it is back. */
  removals?: string[];
  /** Attempts its agent did not name when it connected; decided once its spool has been heard. */
  unconfirmed?: { attempts: AttemptRef[]; until: number; sequence: number };
}
