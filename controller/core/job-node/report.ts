import type { Outcome } from '../../../protocol/agent/event.js';
import type { AttemptRef } from '../../../protocol/agent/message.js';
import { jobOf } from '../../../protocol/keys.js';
import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { loseAttempt } from '../task/attempt.js';
import { exitFailure, taskEnded } from '../task/complete.js';
import { loseSubtask } from '../task/group.js';
import { relist } from '../task/hold.js';
import type { RunUsage } from '../task/usage.js';
import { rememberRun } from './history.js';
import { currentRun, sendRun } from './run.js';
import { runUnderWay, type JobNode, type SpecialRun } from './state.js';

/** A special task begins. False: the report is of another kind of task. */
export function specialStarted(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  startTime: number,
): boolean {
  const jobNode = currentRun(recorder.state, node, ref);
  const run = jobNode === undefined ? undefined : runUnderWay(jobNode)?.run;
  if (jobNode === undefined || run === undefined) return false;
  begin(run, startTime);
  rememberRun(recorder, jobNode, jobNode.release === run ? 'release' : 'preparation', run);
  recorder.changed('jobNode', jobNode);
  return true;
}

function begin(run: SpecialRun, startTime: number): void {
  run.phase = 'running';
  run.begun = true;
  run.startTime = startTime;
  if (run.retryCount > 0) run.lastRetryTime = startTime;
}

/** A special task's try is over; without an outcome it never began. False: it is of another kind of task. */
export function specialEnded(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  outcome: Outcome | undefined,
): boolean {
  const jobNode = currentRun(recorder.state, node, ref);
  const job = jobNode === undefined ? undefined : recorder.state.jobs.get(jobNode.job);
  const present = jobNode === undefined ? undefined : runUnderWay(jobNode);
  if (jobNode === undefined || job === undefined || present === undefined) return false;
  const { kind, run } = present;
  if (outcome?.startTime !== undefined) begin(run, outcome.startTime);
  if (outcome === undefined || outcome.stopped === true) {
    end(recorder, node, jobNode, outcome ?? { endTime: recorder.now }, run.stopping !== true);
    return true;
  }
  if (kind === 'preparation' && mayRetry(job, run, outcome)) {
    const failed = { ...run };
    finish(failed, outcome, false);
    rememberRun(recorder, jobNode, kind, failed, 'retried', outcome);
    run.attempt += 1;
    run.retryCount += 1;
    run.lastRetryTime = recorder.now;
    sendRun(recorder, node, job, jobNode, kind, run);
    return true;
  }
  end(recorder, node, jobNode, outcome, false);
  return true;
}

/** Only a plain nonzero exit is tried again, and not in a job that ends. */
function mayRetry(job: Job, run: SpecialRun, { failure, exitCode }: Outcome): boolean {
  if (failure !== undefined || exitCode === 0 || run.stopping === true) return false;
  if (job.state === 'terminating' || job.state === 'deleting') return false;
  const most = job.specification.jobPreparationTask?.constraints.maxTaskRetryCount ?? 0;
  return most === -1 || run.retryCount < most;
}

/** The node can't run it any more (lease over, boot lost, node gone): it may be run again. */
export function loseRun(recorder: Recorder, node: Node, jobNode: JobNode): void {
  end(recorder, node, jobNode, { endTime: recorder.now }, true);
}

type End = Pick<Outcome, 'endTime' | 'exitCode' | 'failure' | 'stopped' | 'containerInfo'> &
  RunUsage;

function end(
  recorder: Recorder,
  node: Node,
  jobNode: JobNode,
  outcome: End,
  isLost: boolean,
): void {
  const { state } = recorder;
  const present = runUnderWay(jobNode);
  if (present === undefined) return;
  const { kind, run } = present;
  const begun = run.phase === 'running';
  finish(run, outcome, isLost);
  if (begun) rememberRun(recorder, jobNode, kind, run, isLost ? 'lost' : 'completed', outcome);
  state.loadOf(node).special.delete(jobNode);
  recorder.changed('jobNode', jobNode);
  relist(state, node);
  state.toSettle.nodes.add(node.key);
  state.toSettle.jobs.add(jobNode.job);
  if (kind === 'release') return;
  const waits = state.jobs.get(jobNode.job)?.specification.jobPreparationTask?.waitForSuccess;
  goOn(recorder, node, jobNode, run.result === 'success' || waits === false);
}

/** Writes the end of a run into it. */
export function finish(run: SpecialRun, outcome: End, isLost: boolean): void {
  delete run.phase;
  delete run.stopping;
  if (isLost) run.lost = true;
  const { exitCode, endTime } = outcome;
  const failure =
    outcome.failure ??
    (isLost || outcome.stopped === true || exitCode === undefined
      ? taskEnded('The task was ended before it came to its own end')
      : exitCode === 0
        ? undefined
        : exitFailure(exitCode));
  run.state = 'completed';
  run.endTime = Math.max(endTime, run.startTime);
  if (exitCode !== undefined) run.exitCode = exitCode;
  if (outcome.containerInfo !== undefined) run.containerInfo = outcome.containerInfo;
  if (failure !== undefined) run.failureInfo = failure;
  run.result = failure === undefined ? 'success' : 'failure';
}

/** Tasks that waited for the node to be prepared are sent there, or look for another node. */
function goOn(recorder: Recorder, node: Node, { job }: JobNode, isPrepared: boolean): void {
  const load = recorder.state.loadOf(node);
  for (const task of [...load.attempts.keys()]) {
    if (task.job !== job || task.phase !== 'preparing') continue;
    if (isPrepared && task.stopping === undefined) {
      task.phase = 'assigned';
      recorder.changed('task', task);
      recorder.assign(node, task);
    } else loseAttempt(recorder, task);
  }
  for (const subtask of [...load.subtasks]) {
    if (jobOf(subtask.task) !== job || subtask.phase !== 'assigned') continue;
    if (isPrepared) recorder.assign(node, subtask);
    else loseSubtask(recorder, subtask);
  }
}
