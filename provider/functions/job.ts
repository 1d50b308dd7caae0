import type * as pulumi from '@pulumi/pulumi';
import { later, read, type AccountLookUpArgs, type Later } from './look-up.js';
import type { MetadataItemResult } from './pool.js';

export interface GetJobArgs extends AccountLookUpArgs {
  jobId: string;
}
export interface GetJobResult {
  id: string;
  accountName: string;
  resourceGroupName: string;
  jobId: string;
  displayName?: string;
  /** `active`, `disabling`, `disabled`, `enabling`, `terminating`, `completed` or `deleting`. */
  state: string;
  /** -1000 to 1000. */
  priority: number;
  /** The pool that its tasks run on, also where the controller has made it for the job. */
  poolId?: string;
  /** `noaction` or `terminatejob`. */
  onAllTasksComplete?: string;
  /** ISO 8601. */
  startTime?: string;
  /** ISO 8601. */
  endTime?: string;
  terminateReason?: string;
  /** Without the mark of the owning stack. */
  metadata: MetadataItemResult[];
  /** ISO 8601. */
  creationTime: string;
}
/** Reads a job that exists. Fails where there is none. */
export const getJob = (args: GetJobArgs): Promise<GetJobResult> => read('getJob', args);
export const getJobOutput = (args: Later<GetJobArgs>): pulumi.Output<GetJobResult> =>
  later('getJob', args);

export interface GetJobScheduleArgs extends AccountLookUpArgs {
  jobScheduleId: string;
}
export interface GetJobScheduleResult {
  id: string;
  accountName: string;
  resourceGroupName: string;
  jobScheduleId: string;
  displayName?: string;
  /** `active`, `completed`, `disabled`, `terminating` or `deleting`. */
  state: string;
  /** ISO 8601. */
  nextRunTime?: string;
  /** The job that was made last. */
  recentJobId?: string;
  /** ISO 8601. */
  endTime?: string;
  /** Without the mark of the owning stack. */
  metadata: MetadataItemResult[];
  /** ISO 8601. */
  creationTime: string;
}
/** Reads a job schedule that exists. Fails where there is none. */
export const getJobSchedule = (args: GetJobScheduleArgs): Promise<GetJobScheduleResult> =>
  read('getJobSchedule', args);
export const getJobScheduleOutput = (
  args: Later<GetJobScheduleArgs>,
): pulumi.Output<GetJobScheduleResult> => later('getJobSchedule', args);
