import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource } from './resource.js';
import type { TaskArgs } from './task-args.js';

/** Only `constraints` is changed in place; a change of anything else replaces the task, which then runs again. */
export interface TaskResourceArgs extends ChildArgs, Omit<TaskArgs, 'id'> {
  /** Job that the task belongs to. A change replaces the task. */
  jobId: Input<string>;
  /** 1 to 64 letters, digits, hyphens, underscores; unique in the job without regard to case. A change replaces the task. */
  taskId: Input<string>;
  /** Take over a task of this id that has other constraints; one that means the same is always taken over. Default false. */
  adoptExisting?: Input<boolean>;
}

/**
 * One task of a job that a program or another resource made, for small fixed sets; many tasks are added
 * with a Batch client. A task that runs or has ended is as it should be: a refresh finds no change in it
 * and it is never run again for that. Deleting it ends it and takes its files away.
 */
export class Task extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly jobId: Output<string>;
  declare readonly taskId: Output<string>;
  /** ISO 8601. */
  declare readonly creationTime: Output<string>;

  constructor(name: string, args: TaskResourceArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'task',
        className: 'Task',
        required: ['accountName', 'jobId', 'taskId', 'commandLine'],
        computed: ['creationTime'],
        secret: [],
      },
      name,
      args,
      {},
      options,
    );
  }
}
