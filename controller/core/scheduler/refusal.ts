import type { ReasonCode } from '../../../protocol/batch/explain.js';
import { preparationOf } from '../job-node/prepare.js';
import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import type { Pool } from '../pool/state.js';
import type { State } from '../state.js';
import type { Task } from '../task/state.js';
import type { JobWork } from './job-work.js';

/**
 * The conditions of placement, one function a subject, each with its reason for saying no. Placement asks
 * them in this order and explanations report what they say, so the two can't differ.
 */

/** Why tasks of the job are not placed, whatever the nodes are. */
export function jobRefusal(work: JobWork): ReasonCode | undefined {
  const { state, specification } = work.job;
  if (state === 'disabling' || state === 'disabled' || state === 'enabling') return 'JobDisabled';
  if (state !== 'active') return 'JobEnding';
  const limit = specification.maxParallelTasks;
  if (limit > 0 && work.inFlight.size >= limit) return 'JobParallelTasksReached';
  return undefined;
}

type Fitting = Pick<Task, 'requiredSlots'> & Partial<Pick<Task, 'instances'>>;

/** Why the task can never run in the pool, however many nodes that has. */
export function poolRefusal(task: Fitting, { specification }: Pool): ReasonCode | undefined {
  if (task.requiredSlots > specification.taskSlotsPerNode) return 'NeverFits';
  if (task.instances === undefined) return undefined;
  return specification.enableInterNodeCommunication && specification.taskSlotsPerNode === 1
    ? undefined
    : 'InstancesNotAllowed';
}

/** Why the node takes no tasks at all. */
export function nodeRefusal(node: Node): ReasonCode | undefined {
  if (node.state !== 'idle' && node.state !== 'running')
    return STATES[node.state] ?? 'NodeNotReady';
  if (node.leaving !== undefined) return 'NodeLeaving';
  if (node.draining !== undefined) return 'NodeDraining';
  return node.schedulingState === 'enabled' ? undefined : 'NodeSchedulingDisabled';
}

const STATES: Readonly<Record<string, ReasonCode>> = {
  creating: 'NodeCreating',
  starting: 'NodeStarting',
  waitingforstarttask: 'NodeWaitsForStartTask',
  starttaskfailed: 'NodeStartTaskFailed',
  rebooting: 'NodeRebooting',
  reimaging: 'NodeReimaging',
  leavingpool: 'NodeLeaving',
  offline: 'NodeSchedulingDisabled',
  unusable: 'NodeUnusable',
  unknown: 'NodeUnknown',
  preempted: 'NodePreempted',
};

/** Why this task may not have this node, free or not; `ahead`: it would wait there for a slot. */
export function pairRefusal(
  state: State,
  job: Job,
  task: Task,
  node: Node,
  ahead: boolean,
): 'lowPriority' | 'preparation' | undefined {
  if (task.dedicatedOnly === true && !node.isDedicated) return 'lowPriority';
  if (job.specification.jobPreparationTask === undefined) return undefined;
  const preparation = preparationOf(state, job, node);
  return preparation === 'ready' || (!ahead && preparation !== 'refused')
    ? undefined
    : 'preparation';
}
