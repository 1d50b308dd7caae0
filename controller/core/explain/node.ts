import type { Reason, ReasonCode } from '../../../protocol/batch/explain.js';
import { formatTime } from '../../../protocol/time.js';
import { preparationOf } from '../job-node/prepare.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { NodeLoad } from '../scheduler/fit.js';
import { nodeRefusal } from '../scheduler/refusal.js';
import type { State } from '../state.js';

/** Jobs that are named at most. */
const JOBS_MAXIMUM = 10;

/** Why the node takes no tasks, or no more, or none of some jobs. */
export function explainNode({ state }: Recorder, node: Node): Reason[] {
  const load = state.loadOf(node);
  const refusal = nodeRefusal(node);
  if (refusal !== undefined) return [refusalReason(node, load, refusal)];
  return [loadReason(state, node, load), ...failedPreparations(state, node)];
}

function refusalReason(node: Node, load: NodeLoad, code: ReasonCode): Reason {
  const since = formatTime(node.stateTransitionTime);
  const tasks = load.attempts.size + load.subtasks.size + load.ghosts.size;
  const failure = node.startTaskInfo?.failureInfo?.message ?? 'it ended with an error';
  const errors = node.errors.map((one) => `${one.code}, ${one.message}`).join('; ');
  const { option = '' } = node.leaving ?? node.draining ?? {};
  const then = node.draining?.then ?? 'offline';
  return { code, values: valuesOf(code, { since, tasks, failure, errors, option, then, node }) };
}

interface Facts {
  since: string;
  tasks: number;
  failure: string;
  errors: string;
  option: string;
  then: string;
  node: Node;
}

function valuesOf(code: ReasonCode, facts: Facts): Reason['values'] {
  const { since, tasks, failure, errors, option, then } = facts;
  switch (code) {
    case 'NodeStartTaskFailed':
      return { failure };
    case 'NodeUnusable':
      return { errors: errors === '' ? 'no error was reported' : errors };
    case 'NodeLeaving':
      return { option, tasks };
    case 'NodeDraining':
      return { option, then, tasks };
    case 'NodeSchedulingDisabled':
      return {};
    case 'NodeNotReady':
      return { state: facts.node.state, since };
    default:
      return { since };
  }
}

function loadReason(state: State, node: Node, load: NodeLoad): Reason {
  const slots = state.pools.get(node.pool)?.specification.taskSlotsPerNode ?? 1;
  const tasks = load.attempts.size + load.subtasks.size + load.ghosts.size;
  const free = Math.max(0, slots - load.used);
  if (free === 0) return { code: 'NodeFull', values: { slots, tasks } };
  const work = state.workOfPool(node.pool);
  if (work.reserved.has(load)) return { code: 'NodeReserved', values: { free, slots } };
  return work.order.isEmpty
    ? { code: 'NodeWithoutWork', values: {} }
    : { code: 'NodePartlyFree', values: { free, slots } };
}

/** Jobs that do not use the node any more. */
function failedPreparations(state: State, node: Node): Reason[] {
  const reasons: Reason[] = [];
  for (const job of state.jobs.values()) {
    if (job.pool !== node.pool || job.state !== 'active') continue;
    if (preparationOf(state, job, node) !== 'refused') continue;
    reasons.push({ code: 'JobPreparationFailed', values: { job: job.id } });
    if (reasons.length === JOBS_MAXIMUM) break;
  }
  return reasons;
}
