import type { Input } from '@pulumi/pulumi';

/** An environment variable of a task. */
export interface EnvironmentSettingArgs {
  /** Name; up to 1024 characters. */
  name: Input<string>;
  /** Value; default empty. */
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
  identityReference?: Input<{
    /** Id of a managed identity. */
    resourceId?: Input<string>;
  }>;
}

/** Files that a node uploads when a task has ended. */
export interface OutputFileArgs {
  /** Pattern below the working directory: `*`, `**`, `?`, `[ab]`. */
  filePattern: Input<string>;
  /** Where the files go. */
  destination: Input<{
    /** A blob container. */
    container: Input<{
      /** Address of the container; one of the controller's own storage is signed when the task starts. */
      containerUrl: Input<string>;
      /** Name of the blob, or the prefix of the names where the pattern has wildcards. */
      path?: Input<string>;
      /** Headers of the upload, such as `x-ms-blob-content-type`. */
      uploadHeaders?: Input<
        Input<{
          /** Name of the header. */
          name: Input<string>;
          /** Default empty. */
          value?: Input<string>;
        }>[]
      >;
    }>;
  }>;
  /** When they are uploaded. */
  uploadOptions: Input<{
    /** After a success, after a failure, or in both cases. */
    uploadCondition: Input<'tasksuccess' | 'taskfailure' | 'taskcompletion'>;
  }>;
}

/** Where container images come from. */
export interface ContainerRegistryArgs {
  /** Default `docker.io`. */
  registryServer?: Input<string>;
  /** User who logs in. */
  userName?: Input<string>;
  /** Secret. */
  password?: Input<string>;
}

/** Runs a task in a container; the pool needs a `containerConfiguration`. */
export interface ContainerSettingsArgs {
  /** Full name of the image: `registry/name:tag`. */
  imageName: Input<string>;
  /** Further options of `docker create`. */
  containerRunOptions?: Input<string>;
  /** Where the image comes from; default one of the pool's registries, or Docker Hub. */
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
  /** One of the pool's `userAccounts`. */
  userName?: Input<string>;
  /** A user that the node makes. */
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
  /** Files that are on the node before it runs. */
  resourceFiles?: Input<Input<ResourceFileArgs>[]>;
  /** Environment variables, beside those that the service sets. */
  environmentSettings?: Input<Input<EnvironmentSettingArgs>[]>;
  /** Who it runs as; default the pool's auto user without admin rights. */
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
  /** For people; at most 1024 characters. */
  displayName?: Input<string>;
  /** Files that the node uploads when the task has ended. */
  outputFiles?: Input<Input<OutputFileArgs>[]>;
  /** Limits of time, retries and how long files are kept. */
  constraints?: Input<TaskConstraintsArgs>;
  /** Slots of a node that it takes; default 1. */
  requiredSlots?: Input<number>;
  /** Tasks that must succeed first; the job needs `usesTaskDependencies`. */
  dependsOn?: Input<{
    /** Ids of the tasks. */
    taskIds?: Input<Input<string>[]>;
    /** Ranges of ids that are whole numbers. */
    taskIdRanges?: Input<
      Input<{
        /** First id of the range. */
        start: Input<number>;
        /** Last id of the range. */
        end: Input<number>;
      }>[]
    >;
  }>;
  /** What follows from how the task ends; the first that fits counts: code, range, the errors, default. */
  exitConditions?: Input<{
    /** What follows from single exit codes. */
    exitCodes?: Input<
      Input<{
        /** The exit code. */
        code: Input<number>;
        /** What follows from it. */
        exitOptions: ExitOptionsArgs;
      }>[]
    >;
    /** What follows from ranges of exit codes. */
    exitCodeRanges?: Input<
      Input<{
        /** First exit code of the range. */
        start: Input<number>;
        /** Last exit code of the range. */
        end: Input<number>;
        /** What follows from them. */
        exitOptions: ExitOptionsArgs;
      }>[]
    >;
    /** It could not be started. */
    preProcessingError?: ExitOptionsArgs;
    /** Its output files could not be uploaded. */
    fileUploadError?: ExitOptionsArgs;
    /** What follows from everything else. */
    default?: ExitOptionsArgs;
  }>;
  /** Prefers a node: its `affinityId`, as node lists show it. */
  affinityInfo?: Input<{
    /** As node lists show it. */
    affinityId: Input<string>;
  }>;
  /** Runs the task on several nodes at once; the pool needs `interNodeCommunication`. */
  multiInstanceSettings?: Input<{
    /** 1 to 1000; default 1. */
    numberOfInstances?: Input<number>;
    /** Runs on every instance first and must end on each before the task's own command runs on one. */
    coordinationCommandLine: Input<string>;
    /** For all instances. */
    commonResourceFiles?: Input<Input<ResourceFileArgs>[]>;
  }>;
  /** Packages that are on the node before it runs. */
  applicationPackageReferences?: Input<Input<ApplicationPackageReferenceArgs>[]>;
  /** Lets it call the controller for its own job. */
  authenticationTokenSettings?: Input<AuthenticationTokenSettingsArgs>;
}

/** Started with the job. */
export interface JobManagerTaskArgs extends ProgramArgs {
  /** 1 to 64 letters, digits, hyphens, underscores; unique in the job without regard to case. */
  id: Input<string>;
  /** For people; at most 1024 characters. */
  displayName?: Input<string>;
  /** Files that the node uploads when the task has ended. */
  outputFiles?: Input<Input<OutputFileArgs>[]>;
  /** Limits of time, retries and how long files are kept. */
  constraints?: Input<TaskConstraintsArgs>;
  /** Slots of a node that it takes; default 1. */
  requiredSlots?: Input<number>;
  /** The job ends when this task ends; default true. */
  killJobOnCompletion?: Input<boolean>;
  /** Takes its node for itself; default true. */
  runExclusive?: Input<boolean>;
  /** May run on a low-priority node; default true. */
  allowLowPriorityNode?: Input<boolean>;
  /** Packages that are on the node before it runs. */
  applicationPackageReferences?: Input<Input<ApplicationPackageReferenceArgs>[]>;
  /** Lets it call the controller for its own job. */
  authenticationTokenSettings?: Input<AuthenticationTokenSettingsArgs>;
}

/** Runs once on a node before its first task of the job. */
export interface JobPreparationTaskArgs extends ProgramArgs {
  /** Default `jobpreparation`. */
  id?: Input<string>;
  /** Limits of time, retries and how long files are kept. */
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
  /** Name; up to 1024 characters. */
  name: Input<string>;
  /** Value; default empty. */
  value: Input<string>;
}
