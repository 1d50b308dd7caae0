import type { Unfolding } from '../task-factory/state.js';
import type { Usage } from '../task/usage.js';
import type { JobAdd } from '../../../protocol/batch/job.js';
import type { AccountKey, JobKey, JobScheduleKey, PoolKey } from '../../../protocol/keys.js';

/** The contract's section 7.1. */
export type JobState =
  | 'active' // its tasks run
  | 'disabling' // running tasks are requeued, ended or awaited
  | 'disabled' // nothing runs; its pool may change
  | 'enabling'
  | 'terminating' // running tasks are being killed
  | 'completed' // for good
  | 'deleting'; // its tasks and files go, then the job itself

/** Why an auto pool could not be made. */
export interface SchedulingError {
  category: 'usererror' | 'servererror';
  code: string;
  message: string;
  details: { name: string; value: string }[];
}

/** Exact at every commit. `running` counts preparing tasks too. */
export interface TaskCounts {
  active: number;
  running: number;
  completed: number;
  succeeded: number;
  failed: number;
}

export interface Job {
  readonly key: JobKey;
  readonly account: AccountKey;
  readonly id: string;
  /** The validated body of Job_Add, changed by patch and update. */
  specification: JobAdd;
  /** Where its tasks run; absent until an auto pool exists. */
  pool?: PoolKey;
  /** The id of the pool that was made for it, as it is written. */
  readonly autoPoolId?: string;
  schedulingError?: SchedulingError;
  readonly jobSchedule?: JobScheduleKey;
  /** `workitems/{folder}/{task}`: `{job}/job-1`, or `{schedule}/job-n`. */
  readonly folder: string;
  state: JobState;
  stateTransitionTime: number;
  previousState?: JobState;
  previousStateTransitionTime?: number;
  disableTasks?: 'requeue' | 'terminate' | 'wait';
  startTime: number;
  endTime?: number;
  terminateReason?: string;
  nextTaskSequence: number;
  /** Its release task ran, or need not run any more. */
  released?: boolean;
  /** Attempts of new tasks begin above it: the highest attempt of a task that was deleted. */
  attemptBase?: number;
  taskCounts: TaskCounts;
  taskSlotCounts: TaskCounts;
  /** Task factories that have not made all their tasks, by id in lower case; their tasks are counted. */
  factories?: Record<string, Unfolding>;
  /** Of its tasks' attempts that ended, tasks deleted since included. */
  usage?: Usage;
  creationTime: number;
  lastModified: number;
  version: number;
}
