import * as z from 'zod';
import {
  anyCase,
  ApplicationPackageReferences,
  AuthenticationTokenSettings,
  checkCommand,
  ContainerSettings,
  DisplayName,
  duration,
  EnvironmentSettings,
  int32,
  Metadata,
  nonEmpty,
  OutputFile,
  ProgramCommandLine,
  ResourceFiles,
  ResourceId,
  TaskConstraints,
  UserIdentity,
} from './common.js';
import { DEFAULTS, LIMITS } from './limits.js';
import { PoolSpecification } from './pool.js';

const program = {
  commandLine: ProgramCommandLine,
  containerSettings: ContainerSettings.optional(),
  resourceFiles: ResourceFiles.optional(),
  environmentSettings: EnvironmentSettings.optional(),
  userIdentity: UserIdentity.prefault({}),
};

/** Constraints of the special tasks: all three values are there, retries default to 0. */
const SpecialTaskConstraints = TaskConstraints.extend({ maxTaskRetryCount: int32(-1).default(0) });

export const JobManagerTask = z
  .object({
    id: ResourceId,
    displayName: DisplayName.optional(),
    ...program,
    outputFiles: z.array(OutputFile).max(1000).optional(),
    constraints: SpecialTaskConstraints.prefault({}),
    requiredSlots: int32(1, LIMITS.taskSlotsPerNode).default(1),
    killJobOnCompletion: z.boolean().default(true),
    runExclusive: z.boolean().default(true),
    applicationPackageReferences: ApplicationPackageReferences.optional(),
    authenticationTokenSettings: AuthenticationTokenSettings.optional(),
    allowLowPriorityNode: z.boolean().default(true),
  })
  .superRefine(checkCommand);
export type JobManagerTask = z.output<typeof JobManagerTask>;

const JobPreparationTask = z
  .object({
    id: ResourceId.default('jobpreparation'),
    ...program,
    constraints: SpecialTaskConstraints.prefault({}),
    waitForSuccess: z.boolean().default(true),
    rerunOnNodeRebootAfterSuccess: z.boolean().default(true),
  })
  .superRefine(checkCommand);

const JobReleaseTask = z
  .object({
    id: ResourceId.default('jobrelease'),
    ...program,
    maxWallClockTime: duration({ maximum: LIMITS.jobReleaseMaximumMs }).default(
      DEFAULTS.jobReleaseMaxWallClockTime,
    ),
    retentionTime: duration().default(DEFAULTS.retentionTime),
  })
  .superRefine(checkCommand);

const AutoPoolSpecification = z.object({
  autoPoolIdPrefix: z
    .string()
    .regex(/^[\w-]*$/, 'must hold only letters, digits, hyphen and underscore')
    .max(LIMITS.autoPoolIdPrefixLength)
    .optional(),
  poolLifetimeOption: anyCase(['job', 'jobschedule']),
  keepAlive: z.boolean().default(false),
  pool: PoolSpecification.optional(),
});

/** A pool that exists (or will), or a recipe for one. */
const PoolInfo = z
  .object({
    poolId: nonEmpty(LIMITS.idLength)
      .regex(/^[\w-]+$/, 'must be 1 to 64 characters of letters, digits, hyphen and underscore')
      .optional(),
    autoPoolSpecification: AutoPoolSpecification.optional(),
  })
  .superRefine((pool, context) => {
    if ((pool.poolId === undefined) === (pool.autoPoolSpecification === undefined))
      context.addIssue({
        code: 'custom',
        path: [pool.poolId === undefined ? 'poolId' : 'autoPoolSpecification'],
        message: 'exactly one of poolId and autoPoolSpecification must be given',
      });
  });

const JobConstraints = z.object({
  maxWallClockTime: duration().default(DEFAULTS.maxWallClockTime),
  maxTaskRetryCount: int32(-1).default(0),
});

const Priority = z.int32().superRefine((priority, context) => {
  if (priority < LIMITS.priorityMinimum || priority > LIMITS.priorityMaximum)
    context.addIssue({
      code: 'custom',
      message: `must be ${LIMITS.priorityMinimum} to ${LIMITS.priorityMaximum}`,
      params: { code: 'OutOfRangePriority' },
    });
});
const MaxParallelTasks = int32(-1).refine(
  (count) => count !== 0,
  'must be -1 (no limit) or more than 0',
);
const OnAllTasksComplete = anyCase(['noaction', 'terminatejob']);

const jobShape = {
  displayName: DisplayName.optional(),
  priority: Priority.default(DEFAULTS.priority),
  allowTaskPreemption: z.boolean().default(false),
  maxParallelTasks: MaxParallelTasks.default(DEFAULTS.maxParallelTasks),
  constraints: JobConstraints.prefault({}),
  jobManagerTask: JobManagerTask.optional(),
  jobPreparationTask: JobPreparationTask.optional(),
  jobReleaseTask: JobReleaseTask.optional(),
  commonEnvironmentSettings: EnvironmentSettings.optional(),
  poolInfo: PoolInfo,
  onAllTasksComplete: OnAllTasksComplete.default('noaction'),
  onTaskFailure: anyCase(['noaction', 'performexitoptionsjobaction']).default('noaction'),
  metadata: Metadata.optional(),
  usesTaskDependencies: z.boolean().default(false),
  networkConfiguration: z.object({ subnetId: nonEmpty(LIMITS.pathLength) }).optional(),
};

interface SpecialTasks {
  jobManagerTask?: { id: string } | undefined;
  jobPreparationTask?: { id: string } | undefined;
  jobReleaseTask?: { id: string } | undefined;
}

/** A release task needs a preparation task, and the special tasks have ids of their own. */
function checkSpecialTasks(job: SpecialTasks, context: z.RefinementCtx): void {
  if (job.jobReleaseTask !== undefined && job.jobPreparationTask === undefined)
    context.addIssue({
      code: 'custom',
      path: ['jobReleaseTask'],
      message: 'a job release task requires a job preparation task',
    });
  const ids = new Set<string>();
  for (const kind of ['jobManagerTask', 'jobPreparationTask', 'jobReleaseTask'] as const) {
    const id = job[kind]?.id.toLowerCase();
    if (id === undefined) continue;
    if (ids.has(id))
      context.addIssue({
        code: 'custom',
        // Its id may be the default, which the body does not hold.
        path: [kind],
        message: 'the special tasks of a job must have different ids',
      });
    ids.add(id);
  }
}

export const JobAdd = z
  .object({ id: ResourceId, ...jobShape })
  .superRefine(checkSpecialTasks)
  .superRefine((job, context) => {
    if (job.poolInfo.autoPoolSpecification?.poolLifetimeOption === 'jobschedule')
      context.addIssue({
        code: 'custom',
        path: ['poolInfo', 'autoPoolSpecification', 'poolLifetimeOption'],
        message: 'jobschedule is valid only inside a job schedule',
      });
  });
export type JobAdd = z.output<typeof JobAdd>;

/** The jobs of a schedule: Job_Add without id. */
export const JobSpecification = z.object(jobShape).superRefine(checkSpecialTasks);
export type JobSpecification = z.output<typeof JobSpecification>;

/** Replaces what it names; a `constraints` object that leaves a value out resets that value. */
export const JobPatch = z.object({
  priority: Priority.optional(),
  maxParallelTasks: MaxParallelTasks.optional(),
  allowTaskPreemption: z.boolean().optional(),
  onAllTasksComplete: OnAllTasksComplete.optional(),
  constraints: JobConstraints.optional(),
  poolInfo: PoolInfo.optional(),
  metadata: Metadata.optional(),
});
export type JobPatch = z.output<typeof JobPatch>;

/** Full replacement: what is absent goes back to its default. */
export const JobUpdate = z.object({
  priority: Priority.default(DEFAULTS.priority),
  maxParallelTasks: MaxParallelTasks.default(DEFAULTS.maxParallelTasks),
  allowTaskPreemption: z.boolean().default(false),
  onAllTasksComplete: OnAllTasksComplete.default('noaction'),
  constraints: JobConstraints.prefault({}),
  poolInfo: PoolInfo,
  metadata: Metadata.default([]),
});
export type JobUpdate = z.output<typeof JobUpdate>;

export const JobDisable = z.object({ disableTasks: anyCase(['requeue', 'terminate', 'wait']) });
export type JobDisable = z.output<typeof JobDisable>;

export const JobTerminate = z.object({
  terminateReason: z.string().max(LIMITS.displayNameLength).optional(),
});
export type JobTerminate = z.output<typeof JobTerminate>;
