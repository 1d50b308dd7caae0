import type { Input } from '@pulumi/pulumi';
import type {
  CertificateReferenceArgs,
  ImageReferenceArgs,
  MountConfigurationArgs,
  UserAccountArgs,
  VirtualMachineConfigurationArgs,
} from './pool-args.js';
import type {
  ApplicationPackageReferenceArgs,
  EnvironmentSettingArgs,
  JobManagerTaskArgs,
  JobPreparationTaskArgs,
  JobReleaseTaskArgs,
  MetadataItemArgs,
  StartTaskArgs,
} from './task-args.js';

type DataPlaneMachine = Omit<VirtualMachineConfigurationArgs, 'nodeAgentSkuId'> & {
  /** Must fit the image: `batch.node.process` for `batchyard process local`. */
  nodeAgentSKUId: Input<string>;
};

/** The recipe of an auto pool, in the words of the data plane, which are a little other than a Pool's. */
export interface AutoPoolSpecificationArgs {
  /** For people; at most 1024 characters. */
  displayName?: Input<string>;
  /** A size that the controller knows. */
  vmSize: Input<string>;
  /** As a Pool's, but `nodeAgentSKUId`, and `virtualMachineImageId` instead of the image's `id`. */
  virtualMachineConfiguration: Input<
    Omit<DataPlaneMachine, 'imageReference'> & {
      /** An image that the controller offers. */
      imageReference: Input<
        Omit<ImageReferenceArgs, 'id'> & {
          /** Instead of the other four. */
          virtualMachineImageId?: Input<string>;
        }
      >;
    }
  >;
  /** Default 0; not with `enableAutoScale`. */
  targetDedicatedNodes?: Input<number>;
  /** Default 0; not with `enableAutoScale`. */
  targetLowPriorityNodes?: Input<number>;
  /** ISO 8601 duration, at least PT5M, default PT15M; not with `enableAutoScale`. */
  resizeTimeout?: Input<string>;
  /** Default false. */
  enableAutoScale?: Input<boolean>;
  /** Only with `enableAutoScale`. */
  autoScaleFormula?: Input<string>;
  /** ISO 8601 duration, default PT15M; only with `enableAutoScale`. */
  autoScaleEvaluationInterval?: Input<string>;
  /** Default false. */
  enableInterNodeCommunication?: Input<boolean>;
  /** Runs on each node whenever it starts, before any task. */
  startTask?: Input<StartTaskArgs>;
  /** Certificates that are on every node before its start task. */
  certificateReferences?: Input<
    Input<
      Omit<CertificateReferenceArgs, 'id' | 'thumbprint' | 'thumbprintAlgorithm'> & {
        /** Hex SHA-1 of the certificate. */
        thumbprint: Input<string>;
        /** Only `sha1`, the default. */
        thumbprintAlgorithm: Input<'sha1'>;
      }
    >[]
  >;
  /** Packages that are on the node before it runs. */
  applicationPackageReferences?: Input<Input<ApplicationPackageReferenceArgs>[]>;
  /** Default 1. */
  taskSlotsPerNode?: Input<number>;
  /** Default `Spread`. */
  taskSchedulingPolicy?: Input<{
    /** One task a node first, or one node after the other. */
    nodeFillType: Input<'Spread' | 'Pack'>;
  }>;
  /** Users on every node; secret as a whole. */
  userAccounts?: Input<Input<UserAccountArgs>[]>;
  /** File systems for every node; secret as a whole. */
  mountConfiguration?: Input<Input<MountConfigurationArgs>[]>;
  /** Names and values of your own. */
  metadata?: Input<Input<MetadataItemArgs>[]>;
}

/** A pool that the controller makes for the job. */
export interface AutoPoolArgs {
  /** At most 20 characters. */
  autoPoolIdPrefix?: Input<string>;
  /** `jobschedule` only inside a job schedule. */
  poolLifetimeOption: Input<'job' | 'jobschedule'>;
  /** Keep the pool when its lifetime ends; default false. */
  keepAlive?: Input<boolean>;
  /** What the pool is like. */
  pool?: Input<AutoPoolSpecificationArgs>;
}

/** One of the two. */
export interface PoolInfoArgs {
  /** A pool that exists; at most 64 characters. */
  poolId?: Input<string>;
  /** A pool that is made for the job. */
  autoPoolSpecification?: Input<AutoPoolArgs>;
}

/** What a job and the jobs of a schedule have in common. */
export interface JobSpecificationArgs {
  /** For people; at most 1024 characters. */
  displayName?: Input<string>;
  /** -1000 to 1000, default 0. */
  priority?: Input<number>;
  /** Default -1: no limit. */
  maxParallelTasks?: Input<number>;
  /** Default false. */
  allowTaskPreemption?: Input<boolean>;
  /** Limits of time, retries and how long files are kept. */
  constraints?: Input<{
    /** ISO 8601 duration; default no limit. */
    maxWallClockTime?: Input<string>;
    /** Default 0; -1 without limit. */
    maxTaskRetryCount?: Input<number>;
  }>;
  /** Where the tasks run. */
  poolInfo: Input<PoolInfoArgs>;
  /** Started with the job, to add the other tasks. */
  jobManagerTask?: Input<JobManagerTaskArgs>;
  /** Runs once on a node before its first task of the job. */
  jobPreparationTask?: Input<JobPreparationTaskArgs>;
  /** Runs when the job ends where the preparation task ran; needs `jobPreparationTask`. */
  jobReleaseTask?: Input<JobReleaseTaskArgs>;
  /** For all tasks of the job. */
  commonEnvironmentSettings?: Input<Input<EnvironmentSettingArgs>[]>;
  /** Default `noaction`. */
  onAllTasksComplete?: Input<'noaction' | 'terminatejob'>;
  /** Default `noaction`. */
  onTaskFailure?: Input<'noaction' | 'performexitoptionsjobaction'>;
  /** Default false. */
  usesTaskDependencies?: Input<boolean>;
  /** Network that the job's nodes join, for pools with `dynamicVnetAssignmentScope: job`. */
  networkConfiguration?: Input<{
    /** Id of the network. */
    subnetId: Input<string>;
  }>;
  /** Names and values of your own. */
  metadata?: Input<Input<MetadataItemArgs>[]>;
}
