import type { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import type { AccountKey, JobKey, JobScheduleKey } from '../../../protocol/keys.js';

import type { PastJobs } from '../account/state.js';
import type { AutoPool } from '../job/auto-pool.js';

export type JobScheduleState = 'active' | 'completed' | 'disabled' | 'terminating' | 'deleting';

export interface JobSchedule {
  readonly key: JobScheduleKey;
  readonly account: AccountKey;
  readonly id: string;
  specification: JobScheduleAdd;
  state: JobScheduleState;
  stateTransitionTime: number;
  previousState?: JobScheduleState;
  previousStateTransitionTime?: number;
  /** Epoch milliseconds; absent: no further run. */
  nextRunTime?: number;
  recentJob?: { key: JobKey; id: string };
  /** The pool of all its jobs, made with the first (poolLifetimeOption jobschedule). */
  autoPool?: AutoPool;
  /** Jobs made so far: the next is `{id}:job-{jobCount + 1}`. */
  jobCount: number;
  /** What tasks of jobs used that are gone. */
  past?: PastJobs;
  endTime?: number;
  creationTime: number;
  lastModified: number;
  version: number;
}
