import { jobOf, type JobKey, type TaskKey } from '../../../protocol/keys.js';
import type { Job, TaskCounts } from '../job/state.js';
import { must, type Recorder } from '../recorder.js';
import type { State } from '../state.js';
import type { Task, TaskState } from './state.js';

const bucket = (state: TaskState): 'active' | 'running' | 'completed' =>
  state === 'preparing' ? 'running' : state;

function add(counts: TaskCounts, task: Task, amount: number): void {
  counts[bucket(task.state)] += amount;
  if (task.state !== 'completed') return;
  counts[task.execution.result === 'success' ? 'succeeded' : 'failed'] += amount;
}

/** Counts a task in (1) or out (-1) of its job as it now is. */
export function countTask(recorder: Recorder, job: Job, task: Task, sign: 1 | -1): void {
  add(job.taskCounts, task, sign);
  add(job.taskSlotCounts, task, sign * task.requiredSlots);
  recorder.changed('job', job);
  recorder.state.toSettle.jobs.add(job.key);
  if (job.pool !== undefined) recorder.state.queueChanged.add(job.pool);
}

/** Moves a task to another state; `change` alters what goes with it (its result, for the counts). */
export function moveTask(
  recorder: Recorder,
  task: Task,
  to: TaskState,
  change: () => void = () => undefined,
  at: number = recorder.now,
): void {
  const job = jobOfTask(recorder.state, task.key);
  countTask(recorder, job, task, -1);
  task.previousState = task.state;
  task.previousStateTransitionTime = task.stateTransitionTime;
  task.state = to;
  task.stateTransitionTime = at;
  change();
  countTask(recorder, job, task, 1);
  recorder.changed('task', task);
}

/** Its run has begun. A retry is told by that time too, once it has one: no later start of it counts. */
export function noteStart(task: Task, startTime: number): void {
  const { execution, state, stateTransitionTime, previousStateTransitionTime = 0 } = task;
  const waitsSince = state === 'preparing' ? previousStateTransitionTime : stateTransitionTime;
  const { lastRetryTime } = execution;
  if (lastRetryTime !== undefined && lastRetryTime >= waitsSince)
    execution.lastRetryTime = startTime;
  execution.startTime = startTime;
}

/** The job of a task in memory: always there. */
export function jobOfTask(state: State, key: TaskKey): Job {
  const jobKey: JobKey = jobOf(key);
  const job = state.jobs.get(jobKey);
  must(job !== undefined, () => `task ${key} has no job`);
  return job;
}

/** Where a task's files are below its node's root. */
export const directoryOf = (job: Job, taskId: string) => `workitems/${job.folder}/${taskId}`;
