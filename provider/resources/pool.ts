import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import type {
  CertificateReferenceArgs,
  MountConfigurationArgs,
  NetworkConfigurationArgs,
  PoolApplicationPackageArgs,
  RollNodesArgs,
  ScaleSettingsArgs,
  UserAccountArgs,
  VirtualMachineConfigurationArgs,
} from './pool-args.js';
import { BatchyardResource, owner } from './resource.js';
import type { MetadataItemArgs, StartTaskArgs } from './task-args.js';

export interface PoolArgs extends ChildArgs {
  /** 1 to 64 letters, digits, hyphens, underscores. A change replaces the pool. */
  poolName: Input<string>;
  /** A change replaces the pool. */
  displayName?: Input<string>;
  /** A size that the controller knows, such as `standard_a1_v2`. A change replaces the pool. */
  vmSize: Input<string>;
  /** A change replaces the pool. */
  deploymentConfiguration: Input<{
    /** Image, node agent and disks. */
    virtualMachineConfiguration: Input<VirtualMachineConfigurationArgs>;
  }>;
  /** One of the two; without it the pool has no nodes. Changed in place. */
  scaleSettings?: Input<ScaleSettingsArgs>;
  /** Nodes may talk to each other; default `Disabled`. A change replaces the pool. */
  interNodeCommunication?: Input<'Enabled' | 'Disabled'>;
  /** A change replaces the pool. */
  networkConfiguration?: Input<NetworkConfigurationArgs>;
  /** Changed in place; nodes that exist take the new one when they are rebooted (see `rollNodes`). */
  startTask?: Input<StartTaskArgs>;
  /** Changed in place; nodes that exist take them when they are rebooted (see `rollNodes`). */
  certificates?: Input<Input<CertificateReferenceArgs>[]>;
  /** Changed in place; nodes that exist take them when they are rebooted (see `rollNodes`). */
  applicationPackages?: Input<Input<PoolApplicationPackageArgs>[]>;
  /** Tasks that a node runs at once; default 1, at most 4 × cores. A change replaces the pool. */
  taskSlotsPerNode?: Input<number>;
  /** Default `Spread`. A change replaces the pool. */
  taskSchedulingPolicy?: Input<{
    /** One task a node first, or one node after the other. */
    nodeFillType: Input<'Spread' | 'Pack'>;
  }>;
  /** Secret as a whole. A change replaces the pool; passwords that were changed elsewhere can't be seen. */
  userAccounts?: Input<Input<UserAccountArgs>[]>;
  /** File systems for every node; secret as a whole. A change replaces the pool. */
  mountConfiguration?: Input<Input<MountConfigurationArgs>[]>;
  /** Default `Default`. Changed in place; nodes that exist take it when they are rebooted. */
  targetNodeCommunicationMode?: Input<'Default' | 'Classic' | 'Simplified'>;
  /** Changed in place. */
  metadata?: Input<Input<MetadataItemArgs>[]>;
  /**
   * What create and update wait for: `accepted`, `steady` (default: all nodes are allocated) or
   * `nodesIdle` (they have run their start task as well).
   */
  waitFor?: Input<'accepted' | 'steady' | 'nodesIdle'>;
  /** Stop a resize that is under way instead of waiting for it; default false. */
  stopPendingResize?: Input<boolean>;
  /**
   * Reboot the nodes that exist when a change of start task, certificates, application packages or
   * communication mode asks for it, some at a time, each until it is idle again; it stops at the first
   * node that fails. `{}` is one at a time. Default: nodes are not rebooted.
   */
  rollNodes?: Input<RollNodesArgs>;
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
  /** Nodes when last looked at. */
  declare readonly currentDedicatedNodes: Output<number>;
  /** Low-priority nodes when last looked at. */
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
        secret: ['userAccounts', 'mountConfiguration'],
      },
      name,
      args,
      owner(name),
      options,
    );
  }
}
