import type { Input } from '@pulumi/pulumi';
import type { ContainerRegistryArgs } from './task-args.js';

/** What happens to tasks on a node that goes. */
export type NodeDeallocationOption = 'Requeue' | 'Terminate' | 'TaskCompletion' | 'RetainedData';

/** How nodes are rebooted to take what was changed. */
export interface RollNodesArgs {
  /** Nodes that are away at the same time; default 1. */
  atOnce?: Input<number>;
  /** What happens to tasks on a node before it reboots; default `TaskCompletion`. */
  nodeRebootOption?: Input<NodeDeallocationOption>;
}

export interface ImageReferenceArgs {
  /** Publisher of the image, such as `batchyard`. */
  publisher?: Input<string>;
  /** Kind of the image, such as `process` or `debian`. */
  offer?: Input<string>;
  /** Edition of the image, such as `local` or `12`. */
  sku?: Input<string>;
  /** Default `latest`. */
  version?: Input<string>;
  /** Instead of the other four. */
  id?: Input<string>;
}

/** Lets tasks run in containers of Docker or Podman, whichever a node has. */
export interface ContainerConfigurationArgs {
  /** `DockerCompatible` prefers Docker, `CriCompatible` Podman; a node takes the other where it has but that. */
  type: Input<'DockerCompatible' | 'CriCompatible'>;
  /** Images that a node pulls when it starts. */
  containerImageNames?: Input<Input<string>[]>;
  /** Where the images come from, beside Docker Hub. */
  containerRegistries?: Input<Input<ContainerRegistryArgs>[]>;
}

export interface DataDiskArgs {
  /** 0 to 63, each once. */
  lun: Input<number>;
  /** Gigabytes, 1 to 65536. */
  diskSizeGB: Input<number>;
  /** Default `readwrite`. */
  caching?: Input<'none' | 'readonly' | 'readwrite'>;
  /** Kind of the disk; default `standard_lrs`. */
  storageAccountType?: Input<'standard_lrs' | 'premium_lrs'>;
}

/** Every change replaces the pool. */
export interface VirtualMachineConfigurationArgs {
  /** An image that the controller offers: `batchyard process local` for nodes that are processes. */
  imageReference: Input<ImageReferenceArgs>;
  /** Must fit the image: `batch.node.process` for `batchyard process local`. */
  nodeAgentSkuId: Input<string>;
  /** Without it the pool's tasks can't have `containerSettings`. */
  containerConfiguration?: Input<ContainerConfigurationArgs>;
  /** Disks of VM nodes beside the first; process nodes have none. */
  dataDisks?: Input<Input<DataDiskArgs>[]>;
  /** The controller keeps and shows it; its nodes don't act on it so far. */
  osDisk?: Input<{
    /** Settings of a disk that does not outlive its node. */
    ephemeralOSDiskSettings?: Input<{
      /** Only `CacheDisk`. */
      placement?: Input<'CacheDisk'>;
    }>;
  }>;
  /** Where VM nodes are placed, when the controller has several hypervisors. */
  nodePlacementConfiguration?: Input<{
    /** `Zonal` spreads the nodes over the hypervisors; default `Regional`. */
    policy?: Input<'Regional' | 'Zonal'>;
    /** Only on hypervisors that carry all of these labels. */
    hypervisorLabels?: Input<Record<string, Input<string>>>;
  }>;
}

export interface FixedScaleArgs {
  /** Default 0. */
  targetDedicatedNodes?: Input<number>;
  /** Nodes that may be taken away at any time; default 0. */
  targetLowPriorityNodes?: Input<number>;
  /** How long the controller tries: ISO 8601 duration, at least PT5M, default PT15M. */
  resizeTimeout?: Input<string>;
  /** Used when the pool shrinks; default `Requeue`. A change alone needs no call. */
  nodeDeallocationOption?: Input<NodeDeallocationOption>;
}

export interface AutoScaleArgs {
  /** Sets `$TargetDedicatedNodes` and the like; at most 8192 characters. */
  formula: Input<string>;
  /** ISO 8601 duration, PT5M (less where the controller allows it) to P7D; default PT15M. */
  evaluationInterval?: Input<string>;
}

/** One of the two; from one to the other in place. */
export interface ScaleSettingsArgs {
  /** A fixed number of nodes. */
  fixedScale?: Input<FixedScaleArgs>;
  /** The formula decides over the number of nodes: it is never compared. */
  autoScale?: Input<AutoScaleArgs>;
}

export interface CertificateReferenceArgs {
  /** The `id` of a Certificate; or give its thumbprint. */
  id?: Input<string>;
  /** Hex SHA-1 of the certificate. */
  thumbprint?: Input<string>;
  /** Only `sha1`, the default. */
  thumbprintAlgorithm?: Input<'sha1'>;
  /** Default `currentuser`. */
  storeLocation?: Input<'currentuser' | 'localmachine'>;
  /** Default `My`. */
  storeName?: Input<string>;
  /** Default all three. */
  visibility?: Input<Input<'starttask' | 'task' | 'remoteuser'>[]>;
}

/** A package that is on every node before its start task runs. */
export interface PoolApplicationPackageArgs {
  /** The `id` of an Application or an ApplicationPackage, or the application's name. */
  id: Input<string>;
  /** Default is the package's own version, or the application's `defaultVersion`. */
  version?: Input<string>;
}

export interface NetworkSecurityGroupRuleArgs {
  /** 150 to 4096; the lowest comes first. */
  priority: Input<number>;
  /** Whether the rule lets in or keeps out. */
  access: Input<'Allow' | 'Deny'>;
  /** An address, a range such as `10.0.0.0/8`, a tag or `*`. */
  sourceAddressPrefix: Input<string>;
  /** Default `*`. */
  sourcePortRanges?: Input<Input<string>[]>;
}

/** A port of every node, listed among the node's endpoints; nothing is forwarded to it so far. */
export interface InboundNatPoolArgs {
  /** 1 to 77 characters, unique in the pool. */
  name: Input<string>;
  /** What the port speaks. */
  protocol: Input<'TCP' | 'UDP'>;
  /** Port on the node; not 22, 3389, 29876 or 29877. */
  backendPort: Input<number>;
  /** At least 40 ports from here to the end, none of 50000 to 55000. */
  frontendPortRangeStart: Input<number>;
  /** Last port of the range; 1 to 65534. */
  frontendPortRangeEnd: Input<number>;
  /** Who may connect; default everybody. */
  networkSecurityGroupRules?: Input<Input<NetworkSecurityGroupRuleArgs>[]>;
}

export interface NetworkConfigurationArgs {
  /** Network that the nodes of VM pools join: the last part names a libvirt network. Process nodes have none. */
  subnetId?: Input<string>;
  /** Default `none`. The controller keeps and shows it; its nodes don't act on it so far. */
  dynamicVnetAssignmentScope?: Input<'none' | 'job'>;
  /** Ports of the nodes that are listed among their endpoints. */
  endpointConfiguration?: Input<{
    /** One entry a port; at most 5. */
    inboundNatPools: Input<Input<InboundNatPoolArgs>[]>;
  }>;
  /** Public addresses of the nodes. */
  publicIPAddressConfiguration?: Input<{
    /** Default `BatchManaged`. The controller keeps and shows it; its nodes don't act on it so far. */
    provision?: Input<'BatchManaged' | 'UserManaged' | 'NoPublicIPAddresses'>;
    /** Only with `UserManaged`. */
    ipAddressIds?: Input<Input<string>[]>;
  }>;
}

/** A user on every node, for `userIdentity.userName`. */
export interface UserAccountArgs {
  /** At most 20 characters. */
  name: Input<string>;
  /** Secret; at most 256 characters. */
  password: Input<string>;
  /** Default `NonAdmin`. */
  elevationLevel?: Input<'NonAdmin' | 'Admin'>;
  /** For nodes with Linux. */
  linuxUserConfiguration?: Input<{
    /** Together with `gid`; default the next that is free. */
    uid?: Input<number>;
    /** Together with `uid`; default the next that is free. */
    gid?: Input<number>;
    /** Secret. */
    sshPrivateKey?: Input<string>;
  }>;
  /** For nodes with Windows. */
  windowsUserConfiguration?: Input<{
    /** Kept and shown. */
    loginMode?: Input<'Batch' | 'Interactive'>;
  }>;
}

interface MountArgs {
  /** Below the node's mounts folder (`AZ_BATCH_NODE_MOUNTS_DIR`). */
  relativeMountPath: Input<string>;
  /** Options of the mount command. */
  mountOptions?: Input<string>;
}

/** Exactly one kind; mounted before the start task. Nodes without blobfuse can't mount blob containers. */
export interface MountConfigurationArgs {
  /** A folder of an NFS server. */
  nfsMountConfiguration?: Input<
    MountArgs & {
      /** `server:/folder` */
      source: Input<string>;
    }
  >;
  /** A share of an SMB server. */
  cifsMountConfiguration?: Input<
    MountArgs & {
      /** Server and path: `server:/folder` of NFS, `//server/share` of SMB. */
      source: Input<string>;
      /** User who logs in. */
      userName: Input<string>;
      /** Secret. */
      password: Input<string>;
    }
  >;
  /** A blob container, by blobfuse. */
  azureBlobFileSystemConfiguration?: Input<{
    /** Storage account. */
    accountName: Input<string>;
    /** Container of the storage account. */
    containerName: Input<string>;
    /** Below the node's mounts folder (`AZ_BATCH_NODE_MOUNTS_DIR`). */
    relativeMountPath: Input<string>;
    /** Options of the blobfuse command. */
    blobfuseOptions?: Input<string>;
    /** Secret. One of key and SAS. */
    accountKey?: Input<string>;
    /** Secret. */
    sasKey?: Input<string>;
  }>;
  /** An Azure file share. */
  azureFileShareConfiguration?: Input<
    MountArgs & {
      /** Storage account. */
      accountName: Input<string>;
      /** Address of the share. */
      azureFileUrl: Input<string>;
      /** Secret. */
      accountKey: Input<string>;
    }
  >;
}
