import type { Input } from '@pulumi/pulumi';

/** An environment variable of a task. */
export interface EnvironmentSettingArgs {
  name: Input<string>;
  value?: Input<string>;
}

/** A file, or the files of a container, that a node gets before a task runs. Exactly one source. */
export interface ResourceFileArgs {
  /** Any http or https address; one of the controller's own storage is signed when the task starts. Needs `filePath`. */
  httpUrl?: Input<string>;
  /** Address of a container, signed or of the controller's own storage. */
  storageContainerUrl?: Input<string>;
  /** Name of a container in the controller's own storage of the account. */
  autoStorageContainerName?: Input<string>;
  /** Only blobs whose names start so; with a container. */
  blobPrefix?: Input<string>;
  /** Path below the task's working directory: the file's with `httpUrl`, else a folder's. */
  filePath?: Input<string>;
  /** Octal, default 0770. */
  fileMode?: Input<string>;
}

/** Files that a node uploads when a task has ended. */
export interface OutputFileArgs {
  /** Pattern below the working directory: `*`, `**`, `?`, `[ab]`. */
  filePattern: Input<string>;
  destination: Input<{
    container: Input<{
      /** Address of the container; one of the controller's own storage is signed when the task starts. */
      containerUrl: Input<string>;
      /** Name of the blob, or the prefix of the names where the pattern has wildcards. */
      path?: Input<string>;
    }>;
  }>;
  uploadOptions: Input<{
    uploadCondition: Input<'tasksuccess' | 'taskfailure' | 'taskcompletion'>;
  }>;
}

/** Who a task runs as; default is the pool's auto user without admin rights. One of the two. */
export interface UserIdentityArgs {
  userName?: Input<string>;
  autoUser?: Input<{
    scope?: Input<'pool' | 'task'>;
    elevationLevel?: Input<'nonadmin' | 'admin'>;
  }>;
}

export interface TaskConstraintsArgs {
  /** ISO 8601 duration; default no limit. */
  maxWallClockTime?: Input<string>;
  /** How long the files stay on the node: ISO 8601 duration, default P7D. */
  retentionTime?: Input<string>;
  /** Runs again after an exit code other than 0: default the job's value, -1 without limit. */
  maxTaskRetryCount?: Input<number>;
}

/** What everything that runs on a node has. */
export interface ProgramArgs {
  /** No shell: name one (`/bin/sh -c "…"`) where you need it. */
  commandLine: Input<string>;
  resourceFiles?: Input<Input<ResourceFileArgs>[]>;
  environmentSettings?: Input<Input<EnvironmentSettingArgs>[]>;
  userIdentity?: Input<UserIdentityArgs>;
}

/** Runs on each node whenever it starts, before any task. */
export interface StartTaskArgs extends ProgramArgs {
  /** Default 0; -1 without limit. */
  maxTaskRetryCount?: Input<number>;
  /** Tasks wait until it has succeeded; default true. */
  waitForSuccess?: Input<boolean>;
}

type ExitOptionsArgs = Input<{
  jobAction?: Input<'none' | 'disable' | 'terminate'>;
  dependencyAction?: Input<'satisfy' | 'block'>;
}>;

export interface TaskArgs extends ProgramArgs {
  /** 1 to 64 letters, digits, hyphens, underscores; unique in the job without regard to case. */
  id: Input<string>;
  displayName?: Input<string>;
  outputFiles?: Input<Input<OutputFileArgs>[]>;
  constraints?: Input<TaskConstraintsArgs>;
  /** Slots of a node that it takes; default 1. */
  requiredSlots?: Input<number>;
  /** Tasks that must succeed first; the job needs `usesTaskDependencies`. */
  dependsOn?: Input<{
    taskIds?: Input<Input<string>[]>;
    taskIdRanges?: Input<Input<{ start: Input<number>; end: Input<number> }>[]>;
  }>;
  exitConditions?: Input<{
    exitCodes?: Input<Input<{ code: Input<number>; exitOptions: ExitOptionsArgs }>[]>;
    exitCodeRanges?: Input<
      Input<{ start: Input<number>; end: Input<number>; exitOptions: ExitOptionsArgs }>[]
    >;
    preProcessingError?: ExitOptionsArgs;
    fileUploadError?: ExitOptionsArgs;
    default?: ExitOptionsArgs;
  }>;
  authenticationTokenSettings?: Input<{ access?: Input<Input<'job'>[]> }>;
}

/** Started with the job. */
export interface JobManagerTaskArgs extends ProgramArgs {
  id: Input<string>;
  displayName?: Input<string>;
  outputFiles?: Input<Input<OutputFileArgs>[]>;
  constraints?: Input<TaskConstraintsArgs>;
  requiredSlots?: Input<number>;
  /** The job ends when this task ends; default true. */
  killJobOnCompletion?: Input<boolean>;
  /** Takes its node for itself; default true. */
  runExclusive?: Input<boolean>;
  allowLowPriorityNode?: Input<boolean>;
  authenticationTokenSettings?: Input<{ access?: Input<Input<'job'>[]> }>;
}

/** Runs once on a node before its first task of the job. */
export interface JobPreparationTaskArgs extends ProgramArgs {
  /** Default `jobpreparation`. */
  id?: Input<string>;
  constraints?: Input<TaskConstraintsArgs>;
  waitForSuccess?: Input<boolean>;
  rerunOnNodeRebootAfterSuccess?: Input<boolean>;
}

/** Runs when the job ends on each node that ran its preparation task. */
export interface JobReleaseTaskArgs extends ProgramArgs {
  /** Default `jobrelease`. */
  id?: Input<string>;
  /** At most and by default PT15M. */
  maxWallClockTime?: Input<string>;
  retentionTime?: Input<string>;
}

/** A name and a value of your own. The name `pulumi` is kept for the mark of the owning stack. */
export interface MetadataItemArgs {
  name: Input<string>;
  value: Input<string>;
}
