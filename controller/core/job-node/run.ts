import type { AttemptRef } from '../../../protocol/agent/message.js';
import { jobOf, taskKey, type TaskKey } from '../../../protocol/keys.js';
import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import { must, type Recorder } from '../recorder.js';
import type { State } from '../state.js';
import { runUnderWay, type JobNode, type SpecialKind, type SpecialRun } from './state.js';

/** What agents call the job's special task: no task of the job may have its id. */
function specialKey(job: Job, kind: SpecialKind): TaskKey {
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  const id = (kind === 'preparation' ? jobPreparationTask : jobReleaseTask)?.id;
  must(id !== undefined, () => `job ${job.key} has no ${kind} task`);
  return taskKey(job.key, id);
}

/** A run for the first time, again, or after one that was lost. */
export const freshRun = (
  recorder: Recorder,
  node: Node,
  before: SpecialRun | undefined,
): SpecialRun => ({
  attempt: (before?.attempt ?? 0) + 1,
  incarnation: node.incarnation,
  state: 'running',
  startTime: recorder.now,
  retryCount: 0,
});

/** Sends the run's present attempt to the node; its number is durable before it leaves. */
export function sendRun(
  recorder: Recorder,
  node: Node,
  job: Job,
  jobNode: JobNode,
  kind: SpecialKind,
  run: SpecialRun,
): void {
  run.phase = 'assigned';
  delete run.stopping;
  jobNode[kind] = run;
  recorder.state.loadOf(node).special.add(jobNode);
  recorder.changed('jobNode', jobNode);
  recorder.assign(node, { key: specialKey(job, kind), attempt: run.attempt });
}

/** Asks the node's agent to end what the job's special task does there. */
export function stopRun(recorder: Recorder, jobNode: JobNode): void {
  const present = runUnderWay(jobNode);
  const job = recorder.state.jobs.get(jobNode.job);
  const node = recorder.state.nodes.get(jobNode.node);
  if (present === undefined || job === undefined || node === undefined) return;
  if (present.run.stopping === true) return;
  present.run.stopping = true;
  recorder.changed('jobNode', jobNode);
  recorder.stop(node, {
    taskKey: specialKey(job, present.kind),
    attempt: present.run.attempt,
  });
}

/** How the agent knows what is under way. */
export function referenceOf(state: State, jobNode: JobNode): AttemptRef | undefined {
  const present = runUnderWay(jobNode);
  const job = state.jobs.get(jobNode.job);
  if (present === undefined || job === undefined) return undefined;
  return { taskKey: specialKey(job, present.kind), attempt: present.run.attempt };
}

/** The special task's run that is meant; older attempts are history. */
export function currentRun(state: State, node: Node, ref: AttemptRef): JobNode | undefined {
  const jobNode = state.jobWork.get(jobOf(ref.taskKey as TaskKey))?.nodes.get(node.key);
  if (jobNode === undefined) return undefined;
  const present = referenceOf(state, jobNode);
  return present?.taskKey === ref.taskKey && present.attempt === ref.attempt ? jobNode : undefined;
}
