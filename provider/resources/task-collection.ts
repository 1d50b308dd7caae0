import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource } from './resource.js';
import type { TaskArgs } from './task-args.js';

export interface TaskCollectionArgs extends ChildArgs {
  /** Job that the tasks belong to. A change replaces the collection. */
  jobId: Input<string>;
  /**
   * At most 1000 tasks. In place: new ones are added, those that are left out deleted, `constraints` changed;
   * a task that changes in anything else is deleted, added again and runs again, the others are left alone.
   */
  tasks: Input<Input<TaskArgs>[]>;
}

/**
 * A small fixed set of tasks in a job that something else made, added a hundred a call. Tasks that run or
 * have ended are as they should be. Deleting the collection deletes its tasks and no others of the job.
 */
export class TaskCollection extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly jobId: Output<string>;
  declare readonly tasks: Output<TaskArgs[]>;

  constructor(name: string, args: TaskCollectionArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'taskCollection',
        className: 'TaskCollection',
        required: ['accountName', 'jobId', 'tasks'],
        computed: [],
        secret: [],
      },
      name,
      args,
      {},
      options,
    );
  }
}
