import type { ContainerInfo, FailureInfo } from '../../../protocol/agent/event.js';
import type { JobKey, JobNodeKey, NodeKey } from '../../../protocol/keys.js';

export type SpecialKind = 'preparation' | 'release';

/**
 * One run of a job preparation or release task on a node, retries included. Agents know it as an
 * attempt like any other, of a task that takes no slots.
 *
 * running    sent to the node, or runs there
 * completed  for good, or lost with its node (then it may run again)
 */
export interface SpecialRun {
  /** The fence: grows with each try on this node, never shrinks. */
  attempt: number;
  /** The try is with the agent, or begun there; absent: with nobody. */
  phase?: 'assigned' | 'running';
  /** Its agent was told to end it. */
  stopping?: boolean;
  /** It was with an agent and came to no end of its own. */
  lost?: boolean;
  /** A process (or its downloads) was begun at least once. */
  begun?: boolean;
  /** Of the node, when the try was sent. */
  incarnation: number;
  state: 'running' | 'completed';
  startTime: number;
  endTime?: number;
  exitCode?: number;
  failureInfo?: FailureInfo;
  containerInfo?: ContainerInfo;
  result?: 'success' | 'failure';
  retryCount: number;
  lastRetryTime?: number;
}

/** What a job's special tasks did on one node; outlives the node, goes with the job. */
export interface JobNode {
  readonly key: JobNodeKey;
  readonly job: JobKey;
  readonly node: NodeKey;
  readonly nodeId: string;
  readonly poolId: string;
  preparation: SpecialRun;
  release?: SpecialRun;
}

/** The run that is with the node now, if one is. */
export function runUnderWay(jobNode: JobNode): { kind: SpecialKind; run: SpecialRun } | undefined {
  if (jobNode.release?.phase !== undefined) return { kind: 'release', run: jobNode.release };
  if (jobNode.preparation.phase !== undefined)
    return { kind: 'preparation', run: jobNode.preparation };
  return undefined;
}
