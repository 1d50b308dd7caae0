import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import type { JobSpecificationArgs } from './job-args.js';
import { BatchyardResource, owner } from './resource.js';
import type { MetadataItemArgs } from './task-args.js';

export interface ScheduleArgs {
  /** ISO 8601 date and time. */
  doNotRunUntil?: Input<string>;
  /** ISO 8601 date and time. */
  doNotRunAfter?: Input<string>;
  /** A job may start so much late; ISO 8601 duration, default no limit. */
  startWindow?: Input<string>;
  /** Time between two jobs; ISO 8601 duration, at least PT1M unless the controller allows less. Without it there is one job. */
  recurrenceInterval?: Input<string>;
  /**
   * When jobs start, instead of `recurrenceInterval`: five fields (minute, hour, day of the month, month, day of the
   * week), or six with seconds first. `30 2 * * *` is every night at half past two.
   */
  cronExpression?: Input<string>;
  /** Where the cron expression counts: a name of the IANA database such as `Europe/Berlin`; default UTC. */
  timeZone?: Input<string>;
}

export interface JobScheduleArgs extends ChildArgs {
  /** 1 to 64 letters, digits, hyphens, underscores. A change replaces the schedule. */
  jobScheduleId: Input<string>;
  /** A change replaces the schedule. */
  displayName?: Input<string>;
  /** Changed in place. */
  schedule: Input<ScheduleArgs>;
  /** Changed in place: it counts for the jobs that are made from then on. */
  jobSpecification: Input<JobSpecificationArgs>;
  /** Of the schedule, not of its jobs. Changed in place. */
  metadata?: Input<Input<MetadataItemArgs>[]>;
  /** Take over a schedule of this id that is not this stack's; default false. */
  adoptExisting?: Input<boolean>;
}

/** Makes jobs again and again. Deleting it deletes its jobs. */
export class JobSchedule extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly jobScheduleId: Output<string>;
  /** ISO 8601. */
  declare readonly creationTime: Output<string>;

  constructor(name: string, args: JobScheduleArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'jobSchedule',
        className: 'JobSchedule',
        required: ['accountName', 'jobScheduleId', 'schedule', 'jobSpecification'],
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
