import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import type { JobSpecificationArgs } from './job-args.js';
import { BatchyardResource, owner } from './resource.js';
import type { TaskArgs } from './task-args.js';

/**
 * Changed in place: priority, constraints, maxParallelTasks, allowTaskPreemption, metadata,
 * onAllTasksComplete (`terminatejob` for good), poolInfo (the job is disabled for a moment and its
 * running tasks start again), and tasks that are added. Everything else replaces the job.
 */
export interface JobArgs extends ChildArgs, JobSpecificationArgs {
  /** 1 to 64 letters, digits, hyphens, underscores. A change replaces the job. */
  jobId: Input<string>;
  /**
   * A fixed set of tasks that belongs to the job. New ones are added to the job that is there; a task that
   * is changed or taken away replaces the job. With `terminatejob` the job ends when they have all ended.
   */
  tasks?: Input<Input<TaskArgs>[]>;
  /** Take over a job of this id that is not this stack's, if only what can be changed differs; default false. */
  adoptExisting?: Input<boolean>;
}

/** A job with its tasks. A job that has completed by itself is as it should be: no drift. */
export class Job extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly jobId: Output<string>;
  /** ISO 8601. */
  declare readonly creationTime: Output<string>;

  constructor(name: string, args: JobArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'job',
        className: 'Job',
        required: ['accountName', 'jobId', 'poolInfo'],
        computed: ['creationTime'],
        secret: [],
      },
      name,
      args,
      owner(name),
      options,
    );
  }
}
