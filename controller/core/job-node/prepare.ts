import { jobNodeKey } from '../../../protocol/keys.js';
import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { State } from '../state.js';
import { freshRun, sendRun } from './run.js';
import type { JobNode, SpecialRun } from './state.js';

/**
 * ready     tasks of the job may run on the node
 * needed    the preparation task must run there first (or beside them)
 * underway  it does, and tasks wait for it
 * refused   it failed: the job does not use the node any more
 */
type Preparation = 'ready' | 'needed' | 'underway' | 'refused';

/** What the node lacks before it may run tasks of the job (the contract's section 11). */
export function preparationOf(state: State, job: Job, node: Node): Preparation {
  const task = job.specification.jobPreparationTask;
  if (task === undefined) return 'ready';
  const run = state.workOfJob(job.key).nodes.get(node.key)?.preparation;
  if (run === undefined) return 'needed';
  if (run.phase !== undefined) return task.waitForSuccess ? 'underway' : 'ready';
  if (isStale(run, node, task.rerunOnNodeRebootAfterSuccess)) return 'needed';
  return run.result === 'success' || !task.waitForSuccess ? 'ready' : 'refused';
}

/** Lost, or done before a reimage, or before a reboot after which it shall run again. */
function isStale(run: SpecialRun, node: Node, rerunsAfterReboot: boolean): boolean {
  if (run.lost === true) return true;
  if (run.incarnation === node.incarnation) return false;
  if (run.incarnation < (node.diskIncarnation ?? 1)) return true;
  return run.result === 'success' && rerunsAfterReboot;
}

/** Begins what is needed. True where a task may be sent to the node at once. */
export function prepareNode(recorder: Recorder, job: Job, node: Node): boolean {
  const { state } = recorder;
  const preparation = preparationOf(state, job, node);
  if (preparation !== 'needed') return preparation === 'ready';
  const { nodes } = state.workOfJob(job.key);
  const present = nodes.get(node.key);
  const run = freshRun(recorder, node, present?.preparation);
  const jobNode: JobNode = present ?? {
    key: jobNodeKey(job.key, node.key),
    job: job.key,
    node: node.key,
    nodeId: node.id,
    poolId: state.pools.get(node.pool)?.id ?? '',
    preparation: run,
  };
  nodes.set(node.key, jobNode);
  sendRun(recorder, node, job, jobNode, 'preparation', run);
  return job.specification.jobPreparationTask?.waitForSuccess === false;
}
