import type { Input } from '@pulumi/pulumi';
import type { ImageReferenceArgs } from './pool.js';
import type {
  EnvironmentSettingArgs,
  JobManagerTaskArgs,
  JobPreparationTaskArgs,
  JobReleaseTaskArgs,
  MetadataItemArgs,
  StartTaskArgs,
} from './task-args.js';

/** A pool that the controller makes for the job, in the words of the data plane. */
export interface AutoPoolArgs {
  /** At most 20 characters. */
  autoPoolIdPrefix?: Input<string>;
  /** `jobschedule` only inside a job schedule. */
  poolLifetimeOption: Input<'job' | 'jobschedule'>;
  /** Keep the pool when its lifetime ends; default false. */
  keepAlive?: Input<boolean>;
  pool?: Input<{
    vmSize: Input<string>;
    virtualMachineConfiguration: Input<{
      imageReference: Input<ImageReferenceArgs>;
      nodeAgentSKUId: Input<string>;
    }>;
    targetDedicatedNodes?: Input<number>;
    targetLowPriorityNodes?: Input<number>;
    taskSlotsPerNode?: Input<number>;
    startTask?: Input<StartTaskArgs>;
  }>;
}

/** One of the two. */
export interface PoolInfoArgs {
  poolId?: Input<string>;
  autoPoolSpecification?: Input<AutoPoolArgs>;
}

/** What a job and the jobs of a schedule have in common. */
export interface JobSpecificationArgs {
  displayName?: Input<string>;
  /** -1000 to 1000, default 0. */
  priority?: Input<number>;
  /** Default -1: no limit. */
  maxParallelTasks?: Input<number>;
  /** Default false. */
  allowTaskPreemption?: Input<boolean>;
  constraints?: Input<{
    /** ISO 8601 duration; default no limit. */
    maxWallClockTime?: Input<string>;
    /** Default 0; -1 without limit. */
    maxTaskRetryCount?: Input<number>;
  }>;
  /** Where the tasks run. */
  poolInfo: Input<PoolInfoArgs>;
  jobManagerTask?: Input<JobManagerTaskArgs>;
  jobPreparationTask?: Input<JobPreparationTaskArgs>;
  jobReleaseTask?: Input<JobReleaseTaskArgs>;
  /** For all tasks of the job. */
  commonEnvironmentSettings?: Input<Input<EnvironmentSettingArgs>[]>;
  /** Default `noaction`. */
  onAllTasksComplete?: Input<'noaction' | 'terminatejob'>;
  /** Default `noaction`. */
  onTaskFailure?: Input<'noaction' | 'performexitoptionsjobaction'>;
  /** Default false. */
  usesTaskDependencies?: Input<boolean>;
  metadata?: Input<Input<MetadataItemArgs>[]>;
}
