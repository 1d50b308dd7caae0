import { jobOf, type TaskKey } from '../../../protocol/keys.js';
import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { freshRun, sendRun } from './run.js';
import type { JobNode } from './state.js';

/** How often a job that ends looks at nodes that can't run its release task just now. */
const LOOK_AGAIN_MS = 1_000;

/** Nodes that are away when their job ends are waited for so long, no longer. */
const waitsUntil = ({ settings }: Recorder, job: Job) =>
  job.stateTransitionTime + settings.stopTimeoutMs;

/** When time alone takes the job's release on. */
export function releaseDeadline(recorder: Recorder, job: Job): number {
  if (job.specification.jobReleaseTask === undefined) return Infinity;
  const isWaiting =
    recorder.state.workOfJob(job.key).nodes.size > 0 && recorder.now < waitsUntil(recorder, job);
  return isWaiting ? recorder.now + LOOK_AGAIN_MS : Infinity;
}

/**
 * Runs the release task on every node that ran the preparation task, once in the life of the job.
 * True when there is nothing more to wait for; failures do not keep the job from ending.
 */
export function isReleased(recorder: Recorder, job: Job): boolean {
  const { state } = recorder;
  let waits = false;
  for (const jobNode of state.workOfJob(job.key).nodes.values()) {
    if (jobNode.preparation.phase !== undefined || jobNode.release?.phase !== undefined) {
      waits = true;
      continue;
    }
    const node = state.nodes.get(jobNode.node);
    if (node === undefined || !isWanted(recorder, job, jobNode, node)) continue;
    // What was told to die may write yet: its end settles the job again.
    if (isHaunted(recorder, job, node)) waits = true;
    else if (canRun(node)) {
      const run = freshRun(recorder, node, jobNode.release);
      sendRun(recorder, node, job, jobNode, 'release', run);
      waits = true;
    } else if (recorder.now < waitsUntil(recorder, job)) waits = true;
  }
  return !waits;
}

function isWanted(recorder: Recorder, job: Job, jobNode: JobNode, node: Node): boolean {
  if (job.specification.jobReleaseTask === undefined || job.released === true) return false;
  const { preparation, release } = jobNode;
  // A fresh disk has nothing left of the preparation.
  const isGone = preparation.incarnation < (node.diskIncarnation ?? 1);
  if (preparation.begun !== true || isGone || node.leaving !== undefined) return false;
  return (
    release === undefined || (release.lost === true && recorder.now < waitsUntil(recorder, job))
  );
}

const isHaunted = ({ state }: Recorder, job: Job, node: Node) =>
  state.workOfJob(job.key).ghosts > 0 &&
  [...state.loadOf(node).ghosts.keys()].some((name) => jobOf(name as TaskKey) === job.key);

const canRun = (node: Node) =>
  (node.state === 'idle' || node.state === 'running' || node.state === 'offline') &&
  (node.draining === undefined || node.draining.then === 'offline');
