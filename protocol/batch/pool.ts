import * as z from 'zod';
import {
  anyCase,
  ApplicationPackageReferences,
  CertificateReferences,
  checkCommand,
  ContainerSettings,
  DeallocationOption,
  DisplayName,
  duration,
  EnvironmentSettings,
  int32,
  Metadata,
  nonEmpty,
  ProgramCommandLine,
  ResourceFiles,
  ResourceId,
  UserIdentity,
} from './common.js';
import { DEFAULTS, LIMITS } from './limits.js';
import { NetworkConfiguration, MountConfigurations } from './network.js';
import { ImageReference, VirtualMachineConfiguration } from './virtual-machine.js';

/** Runs on each start of a node. Of the constraints it knows only the retry count. */
const StartTask = z
  .object({
    commandLine: ProgramCommandLine,
    containerSettings: ContainerSettings.optional(),
    resourceFiles: ResourceFiles.optional(),
    environmentSettings: EnvironmentSettings.optional(),
    userIdentity: UserIdentity.prefault({}),
    maxTaskRetryCount: int32(-1).default(0),
    waitForSuccess: z.boolean().default(true),
  })
  .superRefine(checkCommand);

const UserAccount = z.object({
  name: nonEmpty(LIMITS.userAccountNameLength),
  password: nonEmpty(256),
  elevationLevel: anyCase(['nonadmin', 'admin']).default('nonadmin'),
  linuxUserConfiguration: z
    .object({
      uid: int32(0).optional(),
      gid: int32(0).optional(),
      sshPrivateKey: z.string().max(16_384).optional(),
    })
    .refine((user) => (user.uid === undefined) === (user.gid === undefined), {
      path: ['uid'],
      message: 'uid and gid must be given together or not at all',
    })
    .optional(),
  windowsUserConfiguration: z
    .object({ loginMode: anyCase(['batch', 'interactive']).optional() })
    .optional(),
});

const ResizeTimeout = duration({ minimum: LIMITS.resizeTimeoutMinimumMs });
const TargetNodes = int32(0, LIMITS.targetNodes);
const AutoScaleFormula = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((formula, context) => {
    if (formula.length > LIMITS.autoScaleFormulaLength)
      context.addIssue({
        code: 'custom',
        message: `must have at most ${LIMITS.autoScaleFormulaLength} characters`,
        params: { code: 'AutoScalingFormulaTooLong' },
      });
  });
const AutoScaleInterval = duration({
  minimum: LIMITS.autoScaleIntervalFloorMs,
  maximum: LIMITS.autoScaleIntervalMaximumMs,
});
const CommunicationMode = anyCase(['default', 'classic', 'simplified']);

const poolShape = {
  displayName: DisplayName.optional(),
  /** Lower case, as the service returns it. */
  vmSize: nonEmpty(LIMITS.idLength).toLowerCase(),
  cloudServiceConfiguration: z
    .object({ osFamily: nonEmpty(16), osVersion: nonEmpty(64).default('*') })
    .optional(),
  virtualMachineConfiguration: VirtualMachineConfiguration.optional(),
  resizeTimeout: ResizeTimeout.optional(),
  targetDedicatedNodes: TargetNodes.optional(),
  targetLowPriorityNodes: TargetNodes.optional(),
  enableAutoScale: z.boolean().default(false),
  autoScaleFormula: AutoScaleFormula.optional(),
  autoScaleEvaluationInterval: AutoScaleInterval.optional(),
  /** Ours: the formula is evaluated soon after tasks come, begin or end, too. */
  autoScaleOnQueueChange: z.boolean().optional(),
  enableInterNodeCommunication: z.boolean().default(false),
  networkConfiguration: NetworkConfiguration.optional(),
  startTask: StartTask.optional(),
  certificateReferences: CertificateReferences.optional(),
  applicationPackageReferences: ApplicationPackageReferences.optional(),
  applicationLicenses: z
    .array(anyCase(['maya', 'vray', '3dsmax', 'arnold']))
    .max(10)
    .optional(),
  taskSlotsPerNode: int32(1, LIMITS.taskSlotsPerNode).default(DEFAULTS.taskSlotsPerNode),
  taskSchedulingPolicy: z
    .object({ nodeFillType: anyCase(['spread', 'pack']) })
    .prefault({ nodeFillType: 'spread' }),
  userAccounts: z.array(UserAccount).max(LIMITS.userAccounts).optional(),
  metadata: Metadata.optional(),
  mountConfiguration: MountConfigurations.optional(),
  targetNodeCommunicationMode: CommunicationMode.optional(),
};

interface ScaleAndImage {
  cloudServiceConfiguration?: unknown;
  virtualMachineConfiguration?: unknown;
  resizeTimeout?: string | undefined;
  targetDedicatedNodes?: number | undefined;
  targetLowPriorityNodes?: number | undefined;
  enableAutoScale: boolean;
  autoScaleFormula?: string | undefined;
  autoScaleEvaluationInterval?: string | undefined;
  autoScaleOnQueueChange?: boolean | undefined;
}

/** One of two configurations; targets or a formula, never both. */
function checkPool(pool: ScaleAndImage, context: z.RefinementCtx): void {
  const refuse = (
    property: keyof ScaleAndImage,
    message: string,
    params: Record<string, unknown> = {},
  ) => context.addIssue({ code: 'custom', path: [property], message, params });
  if (
    pool.cloudServiceConfiguration === undefined &&
    pool.virtualMachineConfiguration === undefined
  )
    refuse('virtualMachineConfiguration', 'virtualMachineConfiguration must be given');
  if (
    pool.cloudServiceConfiguration !== undefined &&
    pool.virtualMachineConfiguration !== undefined
  )
    refuse(
      'cloudServiceConfiguration',
      'cloudServiceConfiguration and virtualMachineConfiguration are mutually exclusive',
    );
  if (pool.enableAutoScale) {
    if (pool.autoScaleFormula === undefined)
      refuse('autoScaleFormula', 'is required with enableAutoScale');
    for (const property of [
      'targetDedicatedNodes',
      'targetLowPriorityNodes',
      'resizeTimeout',
    ] as const)
      if (pool[property] !== undefined) refuse(property, 'must be absent with enableAutoScale');
  } else {
    for (const property of [
      'autoScaleFormula',
      'autoScaleEvaluationInterval',
      'autoScaleOnQueueChange',
    ] as const)
      if (pool[property] !== undefined) refuse(property, 'is valid only with enableAutoScale');
  }
}

/** Fills what depends on the way of scaling: targets and resize timeout, or the interval. */
function fillScale<Pool extends ScaleAndImage>(pool: Pool): Pool {
  if (pool.enableAutoScale) {
    pool.autoScaleEvaluationInterval ??= DEFAULTS.autoScaleEvaluationInterval;
    return pool;
  }
  pool.resizeTimeout ??= DEFAULTS.resizeTimeout;
  pool.targetDedicatedNodes ??= 0;
  pool.targetLowPriorityNodes ??= 0;
  return pool;
}

/** Body of Pool_Add. With autoscale off the targets (default 0) and resizeTimeout are always there. */
export const PoolAdd = z
  .object({ id: ResourceId, ...poolShape })
  .superRefine(checkPool)
  .transform(fillScale);
export type PoolAdd = z.output<typeof PoolAdd>;

/** The pool of an auto pool: Pool_Add without id. */
export const PoolSpecification = z.object(poolShape).superRefine(checkPool).transform(fillScale);
export type PoolSpecification = z.output<typeof PoolSpecification>;

/** An explicit null never gets this far: it counts as not given. */
const emptyAsNull = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? null : value;

/** Replaces what it names; an empty list, or an empty start task, clears. */
export const PoolPatch = z.object({
  startTask: z.preprocess(emptyAsNull, StartTask.nullable()).optional(),
  certificateReferences: CertificateReferences.optional(),
  applicationPackageReferences: ApplicationPackageReferences.optional(),
  metadata: Metadata.optional(),
  targetNodeCommunicationMode: CommunicationMode.optional(),
});
export type PoolPatch = z.output<typeof PoolPatch>;

/** Full replacement: an absent start task is removed, an absent list is empty, an absent mode is the default one. */
export const PoolUpdateProperties = z.object({
  startTask: StartTask.optional(),
  certificateReferences: CertificateReferences.default([]),
  applicationPackageReferences: ApplicationPackageReferences.default([]),
  metadata: Metadata.default([]),
  targetNodeCommunicationMode: CommunicationMode.default('default'),
});
export type PoolUpdateProperties = z.output<typeof PoolUpdateProperties>;

/** Extension: another image for all nodes, some of them at a time. */
export const PoolUpgradeImage = z.object({
  imageReference: ImageReference,
  /** Absent: as it is. */
  nodeAgentSKUId: nonEmpty(LIMITS.pathLength).optional(),
  nodeReimageOption: DeallocationOption.default('requeue'),
  /** Absent: a fifth of the nodes, at least one. */
  maxParallelNodes: int32(1, LIMITS.targetNodes).optional(),
});
export type PoolUpgradeImage = z.output<typeof PoolUpgradeImage>;

/** At least one target; an absent one stays as it is. */
export const PoolResize = z
  .object({
    targetDedicatedNodes: TargetNodes.optional(),
    targetLowPriorityNodes: TargetNodes.optional(),
    resizeTimeout: ResizeTimeout.default(DEFAULTS.resizeTimeout),
    nodeDeallocationOption: DeallocationOption.default('requeue'),
  })
  .superRefine((resize, context) => {
    if (resize.targetDedicatedNodes === undefined && resize.targetLowPriorityNodes === undefined)
      context.addIssue({
        code: 'custom',
        path: ['targetDedicatedNodes'],
        message: 'at least one of targetDedicatedNodes and targetLowPriorityNodes must be given',
      });
  });
export type PoolResize = z.output<typeof PoolResize>;

/** Of old api-versions; `*` is the latest version of the family. */
export const PoolUpgradeOS = z.object({ targetOSVersion: nonEmpty(64) });
export type PoolUpgradeOS = z.output<typeof PoolUpgradeOS>;

export const PoolEnableAutoScale = z.object({
  autoScaleFormula: AutoScaleFormula.optional(),
  autoScaleEvaluationInterval: AutoScaleInterval.optional(),
  autoScaleOnQueueChange: z.boolean().optional(),
});
export type PoolEnableAutoScale = z.output<typeof PoolEnableAutoScale>;

export const PoolEvaluateAutoScale = z.object({ autoScaleFormula: AutoScaleFormula });
export type PoolEvaluateAutoScale = z.output<typeof PoolEvaluateAutoScale>;
