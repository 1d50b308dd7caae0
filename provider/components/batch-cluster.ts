import * as pulumi from '@pulumi/pulumi';
import { Account } from '../resources/account.js';
import { Application } from '../resources/application.js';
import { ApplicationPackage } from '../resources/application-package.js';
import { Certificate } from '../resources/certificate.js';
import type { ConnectionArgs } from '../resources/connection.js';
import { Pool, type PoolArgs } from '../resources/pool.js';
import type { ScaleSettingsArgs, VirtualMachineConfigurationArgs } from '../resources/pool-args.js';
import { StorageContainer } from '../resources/storage-container.js';
import type { StartTaskArgs } from '../resources/task-args.js';

/** Fixed for ever: another token would replace every cluster. */
const TYPE = 'batchyard:index:BatchCluster';

/** As many nodes as tasks wait for, between the two; one that goes finishes its tasks first. */
export interface BatchClusterScale {
  /** Nodes that are always there; default 0. */
  minimum?: number;
  /** Nodes at most, at least 1. */
  maximum: number;
}

/** Every property can be left out. */
export interface BatchClusterArgs {
  /** 3 to 24 lower-case letters and digits; default the resource's name without anything else. A change replaces all. */
  accountName?: string;
  /** Default `main`. A change replaces the pool. */
  poolName?: string;
  /** A fixed number of nodes, or limits between which waiting tasks decide; default 1. Changed in place. */
  nodes?: number | BatchClusterScale;
  /**
   * What a node is: a `process` on the controller's machine (default), or a `libvirt` VM of the image that
   * `npm run image:build` makes. A change replaces the pool.
   */
  nodeKind?: 'process' | 'libvirt';
  /** Instead of what `nodeKind` says. A change replaces the pool. */
  virtualMachineConfiguration?: pulumi.Input<VirtualMachineConfigurationArgs>;
  /** A size that the controller knows; default `standard_a1_v2` (1 core, 2 GiB), for VMs `batchyard_tiny`. A change replaces the pool. */
  vmSize?: pulumi.Input<string>;
  /** Tasks that a node runs at once; default 1. A change replaces the pool. */
  taskSlotsPerNode?: number;
  /** Runs on each node before any task. Changed in place; nodes are rebooted one at a time to take it. */
  startTask?: pulumi.Input<StartTaskArgs>;
  /** Application packages for every node: application → folder or zip file. A changed file is a new version. */
  applications?: Record<string, { version: string; source: string }>;
  /** Texts that only the nodes can read: they are encrypted for a certificate which is made for the pool; secret. */
  secrets?: Record<string, pulumi.Input<string>>;
  /** Folder whose files go into the container `input`; default: the container is empty. */
  inputFolder?: string;
  /** How to reach the controller; default the stack's configuration, then the environment. */
  connection?: pulumi.Input<ConnectionArgs>;
  /** Further properties of the pool, over those that the cluster chooses. */
  pool?: Partial<PoolArgs>;
}

/**
 * The common set in one: an account, a pool, the containers `input` and `output`, and where they are asked
 * for application packages and a certificate. Jobs take `poolInfo` and `accountName` from it.
 */
export class BatchCluster extends pulumi.ComponentResource {
  /** Everything else is in it. */
  readonly account: Account;
  /** The cluster's nodes. */
  readonly pool: Pool;
  /** Holds the files of `inputFolder`. */
  readonly input: StorageContainer;
  /** For results of tasks. Deleted with everything in it when the cluster is. */
  readonly output: StorageContainer;
  /** With `secrets` only; `encryptedSecrets` are for the input of tasks. */
  readonly certificate: Certificate | undefined;
  /** For jobs, schedules and clients. */
  readonly accountName: pulumi.Output<string>;
  /** Secret. */
  readonly accountKey: pulumi.Output<string>;
  /** As jobs and schedules want it. */
  readonly poolInfo: { poolId: pulumi.Output<string> };

  constructor(
    name: string,
    args: BatchClusterArgs = {},
    options?: pulumi.ComponentResourceOptions,
  ) {
    super(TYPE, name, {}, options);
    const shared = { connection: args.connection };
    const child = { parent: this };
    const accountName = args.accountName ?? accountNameOf(name);
    this.account = new Account(name, { ...shared, accountName }, child);
    this.accountName = this.account.accountName;
    this.accountKey = this.account.primaryKey;
    const below = { ...shared, accountName: this.accountName };
    const container = (containerName: string, source?: string) =>
      new StorageContainer(`${name}-${containerName}`, { ...below, containerName, source }, child);
    this.input = container('input', args.inputFolder);
    this.output = container('output');
    this.certificate =
      args.secrets === undefined
        ? undefined
        : new Certificate(
            name,
            {
              ...below,
              selfSigned: { commonName: `${name}.batchyard`.slice(0, 64) },
              secrets: args.secrets,
            },
            child,
          );
    const packages = this.packages(name, args, below);
    this.pool = new Pool(
      name,
      {
        ...below,
        poolName: args.poolName ?? 'main',
        ...machineOf(name, args),
        scaleSettings: scaleOf(name, args),
        taskSlotsPerNode: args.taskSlotsPerNode,
        startTask: args.startTask,
        certificates: this.certificate === undefined ? undefined : [{ id: this.certificate.id }],
        applicationPackages: packages.map(({ id }) => ({ id })),
        rollNodes: {},
        ...args.pool,
      },
      child,
    );
    this.poolInfo = { poolId: this.pool.poolName };
    const { accountKey, poolInfo } = this;
    this.registerOutputs({ accountName: this.accountName, accountKey, poolId: poolInfo.poolId });
  }

  private packages(
    name: string,
    { applications = {} }: BatchClusterArgs,
    below: { accountName: pulumi.Output<string>; connection?: pulumi.Input<ConnectionArgs> },
  ): ApplicationPackage[] {
    return Object.entries(applications).map(([applicationName, { version, source }]) => {
      const full = `${name}-${applicationName}`;
      const application = new Application(full, { ...below, applicationName }, { parent: this });
      const of = { ...below, applicationName: application.applicationName };
      return new ApplicationPackage(
        full,
        { ...of, versionName: version, source, isDefault: true },
        { parent: this },
      );
    });
  }
}

function accountNameOf(name: string): string {
  const accountName = name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 24);
  if (accountName.length < 3)
    throw new Error(
      `BatchCluster "${name}": accountName must be given: the name has fewer than 3 letters and digits`,
    );
  return accountName;
}

const MACHINES = {
  process: {
    vmSize: 'standard_a1_v2',
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  libvirt: {
    vmSize: 'batchyard_tiny',
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12' },
      nodeAgentSkuId: 'batch.node.debian 12',
    },
  },
};

function machineOf(name: string, args: BatchClusterArgs) {
  const kind = args.nodeKind ?? 'process';
  if (!Object.hasOwn(MACHINES, kind))
    throw new Error(
      `BatchCluster "${name}": nodeKind is ${kind}; it must be one of ${Object.keys(MACHINES).join(', ')}`,
    );
  const { vmSize, virtualMachineConfiguration } = MACHINES[kind];
  return {
    vmSize: args.vmSize ?? vmSize,
    deploymentConfiguration: {
      virtualMachineConfiguration: args.virtualMachineConfiguration ?? virtualMachineConfiguration,
    },
  };
}

function scaleOf(
  name: string,
  { nodes = 1, taskSlotsPerNode = 1 }: BatchClusterArgs,
): ScaleSettingsArgs {
  if (typeof nodes === 'number')
    return {
      fixedScale: { targetDedicatedNodes: nodes, nodeDeallocationOption: 'TaskCompletion' },
    };
  const { minimum = 0, maximum } = nodes;
  if (
    ![minimum, maximum].every(Number.isInteger) ||
    minimum < 0 ||
    maximum < 1 ||
    minimum > maximum
  )
    throw new Error(
      `BatchCluster "${name}": nodes is ${minimum} to ${maximum}; minimum must be a whole number from 0 to maximum, and maximum at least 1`,
    );
  return { autoScale: { formula: formulaOf(minimum, maximum, taskSlotsPerNode) } };
}

/** Without enough samples yet, the last one counts. */
const formulaOf = (minimum: number, maximum: number, slots: number) =>
  [
    'recent = $PendingTasks.GetSamplePercent(3 * TimeInterval_Minute) < 70',
    '  ? max(0, $PendingTasks.GetSample(1)) : max($PendingTasks.GetSample(3 * TimeInterval_Minute));',
    `wanted = (recent + ${slots - 1}) / ${slots};`,
    `$TargetDedicatedNodes = max(${minimum}, min(${maximum}, wanted));`,
    '$NodeDeallocationOption = taskcompletion;',
  ].join('\n');
