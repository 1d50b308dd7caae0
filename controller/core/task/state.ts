import type { ContainerInfo, FailureInfo } from '../../../protocol/agent/event.js';
import type { TaskAdd } from '../../../protocol/batch/task.js';
import type { JobKey, NodeKey, TaskKey } from '../../../protocol/keys.js';
import type { RunUsage, Usage } from './usage.js';

/**
 * active     waits for its dependencies or for room; or is with an agent but not begun (`assigned`)
 * preparing  its job preparation task runs first
 * running    begun on a node, downloads included
 * completed  ended for good, unless reactivated
 */
export type TaskState = 'active' | 'preparing' | 'running' | 'completed';

interface TaskExecution {
  startTime?: number;
  endTime?: number;
  exitCode?: number;
  failureInfo?: FailureInfo;
  containerInfo?: ContainerInfo;
  result?: 'success' | 'failure';
  retryCount: number;
  lastRetryTime?: number;
  requeueCount: number;
  lastRequeueTime?: number;
  /** By the last attempt, once it is over. */
  used?: RunUsage;
}

/**
 * One node's part of a multi-instance task beside the primary (which is the task itself): it runs the
 * coordination command and then keeps its node until the primary ends.
 *
 * preparing  with its agent, not begun
 * running    its coordination command runs
 * completed  the command has ended, or the attempt has
 */
export interface Subtask {
  /** `account/job/task:1`: agents know it by this instead of the task's key. */
  readonly key: TaskKey;
  readonly task: TaskKey;
  /** From 1; the primary is 0. */
  readonly id: number;
  readonly attempt: number;
  readonly node: NodeKey;
  readonly nodeId: string;
  /** Absent once it holds its node no more. */
  phase?: 'assigned' | 'running';
  /** Told to end, and not known to be dead: the task is not tried again before it is. */
  dying?: boolean;
  state: 'preparing' | 'running' | 'completed';
  stateTransitionTime: number;
  previousState?: 'preparing' | 'running';
  previousStateTransitionTime?: number;
  startTime?: number;
  endTime?: number;
  exitCode?: number;
  failureInfo?: FailureInfo;
  containerInfo?: ContainerInfo;
  result?: 'success' | 'failure';
}

/** Why a multi-instance attempt was given up by one of its parts. */
export interface GroupEnd {
  kind: 'failed' | 'lost';
  /** Lost because the part's node died under it. */
  died?: boolean;
  failure?: FailureInfo;
  /** The failure came before the part's process: nothing is tried again. */
  preProcessing?: boolean;
}

/**
 * A task as memory holds it: only while it is not completed, or while a command needs it.
 * Its body (command line, files, settings) stays in the store: `TaskBody`, read when it is dispatched.
 */
export interface Task {
  readonly key: TaskKey;
  readonly job: JobKey;
  readonly id: string;
  /** Order of adding in the job: first in, first out. */
  readonly sequence: number;
  readonly isJobManager: boolean;
  readonly requiredSlots: number;
  /** Holds a whole node (a job manager with runExclusive). */
  readonly runExclusive: boolean;
  state: TaskState;
  stateTransitionTime: number;
  previousState?: TaskState;
  previousStateTransitionTime?: number;
  readonly creationTime: number;
  lastModified: number;
  version: number;
  /** −1: no limit. Milliseconds; absent: infinite. */
  maxTaskRetryCount: number;
  maxWallClockTimeMs?: number;
  retentionTimeMs?: number;
  /** The fence: grows with each assignment to a node, never shrinks. */
  attempt: number;
  /** The node that holds the current attempt. Kept after completion as the place of its files. */
  node?: NodeKey;
  nodeId?: string;
  poolId?: string;
  /**
   * The attempt has its node but waits for the job preparation task; is with the agent (assigned); or
   * begun there. Absent: with no node.
   */
  phase?: 'preparing' | 'assigned' | 'running';
  /** Why the controller asked the agent to end the attempt, and what then becomes of the task. */
  stopping?: {
    then: 'requeue' | 'terminate' | 'delete';
    since: number;
    /** A subtask gave up: it decides what becomes of the task, not a user. */
    because?: GroupEnd;
  };
  /** A job manager that does not take low-priority nodes. */
  readonly dedicatedOnly?: boolean;
  /** The id of the node that it would like best (affinityInfo). */
  readonly affinityNode?: string;
  /** Multi-instance: how many nodes it needs at once. */
  readonly instances?: number;
  /** Those of the latest attempt. */
  subtasks?: Subtask[];
  /** Of the present attempt: the primary's coordination command has ended well; … */
  coordinated?: boolean;
  /** … those of all subtasks have, too, and the application command may run. */
  proceeded?: boolean;
  /** The body's, where it has some: what its end means for the job and for dependants. */
  readonly exitConditions?: TaskAdd['exitConditions'];
  /** The body's, where it has some: a task that comes back must find them satisfied again. */
  readonly dependsOn?: TaskAdd['dependsOn'];
  execution: TaskExecution;
  /** Where it was tried last, if it failed there: the next try prefers others. */
  lastNode?: NodeKey;
  /** Times that its node died under it since it was added or reactivated: never a retry. */
  nodeDeaths?: number;
  /** Of all its attempts that ended. */
  usage?: Usage;
}
