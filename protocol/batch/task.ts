import * as z from 'zod';
import {
  anyCase,
  ApplicationPackageReferences,
  AuthenticationTokenSettings,
  checkCommand,
  CommandLine,
  ContainerSettings,
  DisplayName,
  EnvironmentSettings,
  int32,
  nonEmpty,
  OutputFile,
  ProgramCommandLine,
  ResourceFiles,
  ResourceId,
  TaskConstraints,
  UserIdentity,
} from './common.js';
import { LIMITS } from './limits.js';

/** What becomes of the job, and of dependants, after an exit condition. Defaults depend on the job and stay absent. */
const ExitOptions = z.object({
  jobAction: anyCase(['none', 'disable', 'terminate']).optional(),
  dependencyAction: anyCase(['satisfy', 'block']).optional(),
});

const ExitConditions = z.object({
  exitCodes: z
    .array(z.object({ code: z.int32(), exitOptions: ExitOptions }))
    .max(1000)
    .optional(),
  exitCodeRanges: z
    .array(
      z
        .object({ start: z.int32(), end: z.int32(), exitOptions: ExitOptions })
        .refine((range) => range.start <= range.end, {
          path: ['end'],
          message: 'must not be less than start',
        }),
    )
    .max(1000)
    .optional(),
  preProcessingError: ExitOptions.optional(),
  fileUploadError: ExitOptions.optional(),
  default: ExitOptions.optional(),
});

const Dependencies = z.object({
  taskIds: z
    .array(nonEmpty(LIMITS.idLength))
    .superRefine((ids, context) => {
      const length = ids.reduce((sum, id) => sum + id.length, 0);
      if (length > LIMITS.dependencyIdsLength)
        context.addIssue({
          code: 'custom',
          message: `the ids together must have at most ${LIMITS.dependencyIdsLength} characters`,
          params: { code: 'TaskDependencyListTooLong' },
        });
    })
    .optional(),
  taskIdRanges: z
    .array(
      z.object({ start: z.int32(), end: z.int32() }).refine((range) => range.start <= range.end, {
        path: ['end'],
        message: 'must not be less than start',
      }),
    )
    .superRefine((ranges, context) => {
      if (ranges.length > LIMITS.dependencyRanges)
        context.addIssue({
          code: 'custom',
          message: `at most ${LIMITS.dependencyRanges} ranges are allowed`,
          params: { code: 'TaskDependencyRangesTooLong' },
        });
    })
    .optional(),
});

export const TaskAdd = z
  .object({
    id: ResourceId,
    displayName: DisplayName.optional(),
    commandLine: ProgramCommandLine,
    containerSettings: ContainerSettings.optional(),
    exitConditions: ExitConditions.optional(),
    resourceFiles: ResourceFiles.optional(),
    outputFiles: z.array(OutputFile).max(1000).optional(),
    environmentSettings: EnvironmentSettings.optional(),
    affinityInfo: z.object({ affinityId: nonEmpty(LIMITS.pathLength) }).optional(),
    constraints: TaskConstraints.prefault({}),
    requiredSlots: int32(1, LIMITS.taskSlotsPerNode).default(1),
    userIdentity: UserIdentity.prefault({}),
    multiInstanceSettings: z
      .object({
        numberOfInstances: int32(1, 1000).default(1),
        coordinationCommandLine: CommandLine,
        commonResourceFiles: ResourceFiles.optional(),
      })
      .optional(),
    dependsOn: Dependencies.optional(),
    applicationPackageReferences: ApplicationPackageReferences.optional(),
    authenticationTokenSettings: AuthenticationTokenSettings.optional(),
  })
  .superRefine(checkCommand)
  .superRefine((task, context) => {
    if (task.multiInstanceSettings !== undefined && task.requiredSlots > 1)
      context.addIssue({
        code: 'custom',
        path: ['requiredSlots'],
        message: 'must be absent for a multi-instance task',
      });
  });
export type TaskAdd = z.output<typeof TaskAdd>;

/** Full replacement of the constraints. */
export const TaskUpdate = z.object({ constraints: TaskConstraints.prefault({}) });
export type TaskUpdate = z.output<typeof TaskUpdate>;

/**
 * The envelope of Task_AddCollection. Its items are checked one by one, each with a result of its
 * own, so that one bad task does not refuse the others.
 */
export const TaskAddCollectionEnvelope = z.object({
  value: z.array(z.unknown()).max(LIMITS.tasksPerCollection, {
    error: `must hold at most ${LIMITS.tasksPerCollection} tasks`,
  }),
});
/** What a checked collection holds. */
export const TaskAddCollection = z.object({
  value: z.array(TaskAdd).max(LIMITS.tasksPerCollection),
});
export type TaskAddCollection = z.output<typeof TaskAddCollection>;
