import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource, owner } from './resource.js';
import type { MetadataItemArgs, StartTaskArgs } from './task-args.js';

/** What happens to tasks on a node that goes. */
export type NodeDeallocationOption = 'Requeue' | 'Terminate' | 'TaskCompletion' | 'RetainedData';

export interface ImageReferenceArgs {
  publisher?: Input<string>;
  offer?: Input<string>;
  sku?: Input<string>;
  /** Default `latest`. */
  version?: Input<string>;
  /** Instead of the other four. */
  id?: Input<string>;
}

export interface VirtualMachineConfigurationArgs {
  /** An image that the controller offers: `batchyard process local` for nodes that are processes. */
  imageReference: Input<ImageReferenceArgs>;
  /** Must fit the image: `batch.node.process` for `batchyard process local`. */
  nodeAgentSkuId: Input<string>;
}

export interface FixedScaleArgs {
  /** Default 0. */
  targetDedicatedNodes?: Input<number>;
  /** Default 0. */
  targetLowPriorityNodes?: Input<number>;
  /** How long the controller tries: ISO 8601 duration, at least PT5M, default PT15M. */
  resizeTimeout?: Input<string>;
  /** Used when the pool shrinks; default `Requeue`. A change alone needs no call. */
  nodeDeallocationOption?: Input<NodeDeallocationOption>;
}

export interface AutoScaleArgs {
  /** Sets `$TargetDedicatedNodes` and the like; at most 8192 characters. */
  formula: Input<string>;
  /** ISO 8601 duration, PT5M to P7D; default PT15M. */
  evaluationInterval?: Input<string>;
}

export interface CertificateReferenceArgs {
  /** The `id` of a Certificate; or give its thumbprint. */
  id?: Input<string>;
  thumbprint?: Input<string>;
  thumbprintAlgorithm?: Input<'sha1'>;
  /** Default `currentuser`. */
  storeLocation?: Input<'currentuser' | 'localmachine'>;
  /** Default `My`. */
  storeName?: Input<string>;
  /** Default all three. */
  visibility?: Input<Input<'starttask' | 'task' | 'remoteuser'>[]>;
}

export interface PoolArgs extends ChildArgs {
  /** 1 to 64 letters, digits, hyphens, underscores. A change replaces the pool. */
  poolName: Input<string>;
  /** A change replaces the pool. */
  displayName?: Input<string>;
  /** A size that the controller knows, such as `standard_a1_v2`. A change replaces the pool. */
  vmSize: Input<string>;
  /** A change replaces the pool. */
  deploymentConfiguration: Input<{
    virtualMachineConfiguration: Input<VirtualMachineConfigurationArgs>;
  }>;
  /** One of the two; without it the pool has no nodes. Changed in place. */
  scaleSettings?: Input<{ fixedScale?: Input<FixedScaleArgs>; autoScale?: Input<AutoScaleArgs> }>;
  /** Nodes may talk to each other; default `Disabled`. A change replaces the pool. */
  interNodeCommunication?: Input<'Enabled' | 'Disabled'>;
  /** Changed in place; nodes that exist take the new one when they are rebooted. */
  startTask?: Input<StartTaskArgs>;
  /** Changed in place; nodes that exist take them when they are rebooted. */
  certificates?: Input<Input<CertificateReferenceArgs>[]>;
  /** Tasks that a node runs at once; default 1, at most 4 × cores. A change replaces the pool. */
  taskSlotsPerNode?: Input<number>;
  /** Default `Spread`. A change replaces the pool. */
  taskSchedulingPolicy?: Input<{ nodeFillType: Input<'Spread' | 'Pack'> }>;
  /** Changed in place. */
  metadata?: Input<Input<MetadataItemArgs>[]>;
  /**
   * What create and update wait for: `accepted`, `steady` (default: all nodes are allocated) or
   * `nodesIdle` (they have run their start task as well).
   */
  waitFor?: Input<'accepted' | 'steady' | 'nodesIdle'>;
  /** Stop a resize that is under way instead of waiting for it; default false. */
  stopPendingResize?: Input<boolean>;
  /** Take over a pool of this name that is not this stack's, if only what can be changed differs; default false. */
  adoptExisting?: Input<boolean>;
}

/** A pool of nodes. */
export class Pool extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly poolName: Output<string>;
  declare readonly vmSize: Output<string>;
  /** `Succeeded` or `Deleting`. */
  declare readonly provisioningState: Output<string>;
  /** `steady`, `resizing` or `stopping`, when last looked at. */
  declare readonly allocationState: Output<string>;
  declare readonly currentDedicatedNodes: Output<number>;
  declare readonly currentLowPriorityNodes: Output<number>;
  /** ISO 8601. */
  declare readonly creationTime: Output<string>;

  constructor(name: string, args: PoolArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'pool',
        className: 'Pool',
        required: ['accountName', 'poolName', 'vmSize', 'deploymentConfiguration'],
        computed: [
          'provisioningState',
          'allocationState',
          'currentDedicatedNodes',
          'currentLowPriorityNodes',
          'creationTime',
        ],
        secret: [],
      },
      name,
      args,
      owner(name),
      options,
    );
  }
}
