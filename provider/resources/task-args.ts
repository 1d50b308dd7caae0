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
  /** Accepted for programs written for Azure; what is the controller's own is signed without it. */
  identityReference?: Input<{ resourceId?: Input<string> }>;
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
      /** Headers of the upload, such as `x-ms-blob-content-type`. */
      uploadHeaders?: Input<Input<{ name: Input<string>; value?: Input<string> }>[]>;
    }>;
  }>;
  uploadOptions: Input<{
    uploadCondition: Input<'tasksuccess' | 'taskfailure' | 'taskcompletion'>;
  }>;
}

/** Where container images come from. */
export interface ContainerRegistryArgs {
  /** Default `docker.io`. */
  registryServer?: Input<string>;
  userName?: Input<string>;
  /** Secret. */
  password?: Input<string>;
}

/** Runs a task in a container; the pool needs a `containerConfiguration`. The controller keeps and shows it; its nodes don't act on it so far. */
export interface ContainerSettingsArgs {
  imageName: Input<string>;
  /** Further options of `docker create`. */
  containerRunOptions?: Input<string>;
  registry?: Input<ContainerRegistryArgs>;
  /** Default `taskWorkingDirectory`. */
  workingDirectory?: Input<'taskWorkingDirectory' | 'containerImageDefault'>;
}

/** A package that is on the node before a task runs. Its folder is in `AZ_BATCH_APP_PACKAGE_…`. */
export interface ApplicationPackageReferenceArgs {
  /** Name of the application. */
  applicationId: Input<string>;
  /** Default is the application's `defaultVersion`. */
  version?: Input<string>;
}

/** Lets a task call the controller for its own job, with the token in `AZ_BATCH_AUTHENTICATION_TOKEN`. */
export interface AuthenticationTokenSettingsArgs {
  /** Only `job`. */
  access?: Input<Input<'job'>[]>;
}

/** Who a task runs as; default is the pool's auto user without admin rights. One of the two. */
export interface UserIdentityArgs {
  /** One of the pool's `userAccounts`. The controller keeps and shows it; its nodes don't act on it so far. */
  userName?: Input<string>;
  autoUser?: Input<{
    /** Default `pool`: one user for all tasks of a node. */
    scope?: Input<'pool' | 'task'>;
    /** Default `nonadmin`. */
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
  /** Default: the program runs on the node itself, which so far it does in any case. */
  containerSettings?: Input<ContainerSettingsArgs>;
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
  /** Only in jobs with `onTaskFailure: performexitoptionsjobaction`; default `none`, `terminate` for a failure. */
  jobAction?: Input<'none' | 'disable' | 'terminate'>;
  /** Whether tasks that depend on this one may run; default `satisfy` for success, else `block`. */
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
  /** What follows from how the task ends; the first that fits counts: code, range, the errors, default. */
  exitConditions?: Input<{
    exitCodes?: Input<Input<{ code: Input<number>; exitOptions: ExitOptionsArgs }>[]>;
    exitCodeRanges?: Input<
      Input<{ start: Input<number>; end: Input<number>; exitOptions: ExitOptionsArgs }>[]
    >;
    /** It could not be started. */
    preProcessingError?: ExitOptionsArgs;
    /** Its output files could not be uploaded. */
    fileUploadError?: ExitOptionsArgs;
    default?: ExitOptionsArgs;
  }>;
  /** Prefers a node: its `affinityId`, as node lists show it. */
  affinityInfo?: Input<{ affinityId: Input<string> }>;
  /** Runs the task on several nodes at once; the pool needs `interNodeCommunication`. */
  multiInstanceSettings?: Input<{
    /** 1 to 1000; default 1. */
    numberOfInstances?: Input<number>;
    /** Runs on every instance first and must end on each before the task's own command runs on one. */
    coordinationCommandLine: Input<string>;
    /** For all instances. */
    commonResourceFiles?: Input<Input<ResourceFileArgs>[]>;
  }>;
  applicationPackageReferences?: Input<Input<ApplicationPackageReferenceArgs>[]>;
  authenticationTokenSettings?: Input<AuthenticationTokenSettingsArgs>;
}

/** Started with the job. */
export interface JobManagerTaskArgs extends ProgramArgs {
  id: Input<string>;
  displayName?: Input<string>;
  outputFiles?: Input<Input<OutputFileArgs>[]>;
  constraints?: Input<TaskConstraintsArgs>;
  /** Slots of a node that it takes; default 1. */
  requiredSlots?: Input<number>;
  /** The job ends when this task ends; default true. */
  killJobOnCompletion?: Input<boolean>;
  /** Takes its node for itself; default true. */
  runExclusive?: Input<boolean>;
  /** May run on a low-priority node; default true. */
  allowLowPriorityNode?: Input<boolean>;
  applicationPackageReferences?: Input<Input<ApplicationPackageReferenceArgs>[]>;
  authenticationTokenSettings?: Input<AuthenticationTokenSettingsArgs>;
}

/** Runs once on a node before its first task of the job. */
export interface JobPreparationTaskArgs extends ProgramArgs {
  /** Default `jobpreparation`. */
  id?: Input<string>;
  constraints?: Input<TaskConstraintsArgs>;
  /** Tasks of the job wait on a node until it has succeeded there; default true. */
  waitForSuccess?: Input<boolean>;
  /** Default true. */
  rerunOnNodeRebootAfterSuccess?: Input<boolean>;
}

/** Runs when the job ends on each node that ran its preparation task. */
export interface JobReleaseTaskArgs extends ProgramArgs {
  /** Default `jobrelease`. */
  id?: Input<string>;
  /** At most and by default PT15M. */
  maxWallClockTime?: Input<string>;
  /** How long the files stay on the node: ISO 8601 duration, default P7D. */
  retentionTime?: Input<string>;
}

/** A name and a value of your own. The name `pulumi` is kept for the mark of the owning stack. */
export interface MetadataItemArgs {
  name: Input<string>;
  value: Input<string>;
}
