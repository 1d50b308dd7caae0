import * as z from 'zod';
import { int32, nonEmpty, ResourceId } from './common.js';
import { LIMITS } from './limits.js';

/** All numbers from `start` to `end`, both included where the step meets it. */
const ParameterSet = z
  .object({
    start: z.int32(),
    end: z.int32(),
    step: int32(-LIMITS.factoryStep, LIMITS.factoryStep)
      .refine((step) => step !== 0, 'must not be 0')
      .default(1),
  })
  .refine(({ start, end, step }) => (step > 0 ? start <= end : start >= end), {
    path: ['end'],
    message: 'must lie in the direction of the step',
  });

const Value = z.string().max(LIMITS.commandLineLength);
const Item = z.union([
  Value,
  z.array(Value).min(1).max(LIMITS.factoryParameters),
  z.record(z.string().regex(/^[A-Za-z]\w{0,63}$/, 'must be a name of letters and digits'), Value),
]);

/**
 * Task_AddFactory: many tasks from one template. Placeholders of the template (`{0}`, `{1:4}` padded with
 * zeros, `{name}`) are filled from a sweep, a list or the files of a container; `{{0}}` stands for `{0}`.
 */
export const TaskFactoryAdd = z
  .object({
    /** Names the factory in its job: adding it again with the same body changes nothing. */
    id: ResourceId,
    /** Ids of its tasks are this and a number; by default the factory's id and a hyphen. */
    taskIdPrefix: z
      .string()
      .regex(/^[\w-]*$/, 'must hold only letters, digits, hyphen and underscore')
      .max(LIMITS.idLength)
      .optional(),
    /** The number of the first task. */
    firstTaskNumber: int32(0).default(0),
    /** Numbers get zeros in front up to so many digits. */
    taskIdDigits: int32(1, 15).default(1),
    parametricSweep: z
      .object({ parameterSets: z.array(ParameterSet).min(1).max(LIMITS.factoryParameters) })
      .optional(),
    list: z.object({ items: z.array(Item).min(1).max(LIMITS.factoryTasks) }).optional(),
    /** One task a file of a container of the account's own storage. */
    filesOf: z
      .object({
        autoStorageContainerName: nonEmpty(LIMITS.idLength - 1),
        blobPrefix: z.string().max(LIMITS.pathLength).default(''),
      })
      .optional(),
    /** A task without id; what it says for all of them is in here. */
    repeatTask: z.record(z.string(), z.unknown()),
  })
  .superRefine((factory, context) => {
    const sources = (['parametricSweep', 'list', 'filesOf'] as const).filter(
      (name) => factory[name] !== undefined,
    );
    if (sources.length !== 1)
      context.addIssue({
        code: 'custom',
        path: [sources[1] ?? 'parametricSweep'],
        message: 'exactly one of parametricSweep, list and filesOf must be given',
      });
    for (const name of ['id', 'multiInstanceSettings'])
      if (name in factory.repeatTask)
        context.addIssue({
          code: 'custom',
          path: ['repeatTask', name],
          message: 'must be absent: tasks of a factory have none of their own',
        });
  });
export type TaskFactoryAdd = z.output<typeof TaskFactoryAdd>;
