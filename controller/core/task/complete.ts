import type { ContainerInfo, FailureInfo } from '../../../protocol/agent/event.js';
import type { Recorder } from '../recorder.js';
import { consequences, type End } from './exit-conditions.js';
import { release } from './hold.js';
import { makeReady } from './ready.js';
import type { Task } from './state.js';
import { jobOfTask, moveTask, noteStart } from './transition.js';
import { usageOf, type RunUsage } from './usage.js';

/** The failure of a task that was ended on request (section 2.4). */
export const taskEnded = (message: string): FailureInfo => ({
  category: 'usererror',
  code: 'TaskEnded',
  message,
  details: [],
});

export const exitFailure = (exitCode: number): FailureInfo => ({
  category: 'usererror',
  code: 'FailureExitCode',
  message: 'The task exited with an exit code representing a failure',
  details: [{ name: 'Message', value: `The task process exited with exit code ${exitCode}` }],
});

/** What the job has to do because a task is over: done at the end of the tick, by the job's own rules. */
export interface JobConsequence {
  action: 'disable' | 'terminate';
  reason: 'TaskFailed' | 'JMComplete';
}

/**
 * Ends a task for good: counts, dependants and the job follow in the same tick. Returns what the job
 * must do, if anything.
 */
export function completeTask(
  recorder: Recorder,
  task: Task,
  end: End & {
    startTime?: number | undefined;
    endTime: number;
    containerInfo?: ContainerInfo | undefined;
  } & RunUsage,
): JobConsequence | undefined {
  const { state } = recorder;
  const job = jobOfTask(state, task.key);
  const work = state.workOfJob(job.key);
  release(recorder, task);
  delete task.phase;
  delete task.stopping;
  // What a running task has told already stays.
  const startTime = task.execution.startTime ?? end.startTime;
  const failure =
    end.failure ??
    (end.exitCode === 0
      ? undefined
      : end.exitCode === undefined
        ? taskEnded('The task has no exit code')
        : exitFailure(end.exitCode));
  if ((task.state === 'active' || task.state === 'preparing') && startTime !== undefined) {
    noteStart(task, startTime);
    moveTask(recorder, task, 'running');
  }
  moveTask(recorder, task, 'completed', () => {
    const { execution } = task;
    if (startTime !== undefined) execution.startTime = startTime;
    execution.endTime = Math.max(end.endTime, startTime ?? end.endTime);
    if (end.exitCode !== undefined) execution.exitCode = end.exitCode;
    if (end.containerInfo !== undefined) execution.containerInfo = end.containerInfo;
    if (failure !== undefined) execution.failureInfo = failure;
    const used = usageOf(end);
    if (used === undefined) delete execution.used;
    else execution.used = used;
    execution.result = failure === undefined ? 'success' : 'failure';
  });
  work.tasks.delete(task);
  work.dependencies.remove(task);
  state.toEvict.add(task);
  const { satisfies, jobAction } = consequences(job, task, {
    ...end,
    ...(failure === undefined ? {} : { failure }),
  });
  if (satisfies) satisfy(recorder, task);
  if (task.isJobManager && job.specification.jobManagerTask?.killJobOnCompletion === true)
    return { action: 'terminate', reason: 'JMComplete' };
  return jobAction === 'none' ? undefined : { action: jobAction, reason: 'TaskFailed' };
}

function satisfy(recorder: Recorder, task: Task): void {
  const { state } = recorder;
  const { dependencies, job } = state.workOfJob(task.job);
  if (job.specification.usesTaskDependencies !== true || dependencies.isSatisfied(task.id)) return;
  recorder.changes.satisfied.push({ job: task.job, taskId: task.id });
  for (const freed of dependencies.satisfy(task.id)) makeReady(state, freed);
}
