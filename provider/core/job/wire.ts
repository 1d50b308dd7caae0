import { JobAdd } from '../../../protocol/batch/job.js';
import { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import { TaskAdd } from '../../../protocol/batch/task.js';
import { userMetadata } from '../account-of.js';
import { schemaFailures } from '../check.js';
import { given, holdsUnknown, listOf, objectOf, textOf, type Properties } from '../json.js';
import type { CheckFailure } from '../kind.js';
import { programToWire } from '../program.js';
import { CHILD_SHAPE, type WireKind } from '../wire-kind.js';

export const JOB_SHAPE = {
  displayName: 'text',
  priority: 'whole',
  maxParallelTasks: 'whole',
  allowTaskPreemption: 'yes or no',
  constraints: 'object',
  poolInfo: 'object',
  jobManagerTask: 'object',
  jobPreparationTask: 'object',
  jobReleaseTask: 'object',
  commonEnvironmentSettings: 'list',
  onAllTasksComplete: 'text',
  onTaskFailure: 'text',
  usesTaskDependencies: 'yes or no',
  networkConfiguration: 'object',
  metadata: 'list',
} as const;

const named = (part: string) => (part === 'username' ? 'userName' : part);
const pick = (inputs: Properties, names: readonly string[]) =>
  given(Object.fromEntries(names.map((name) => [name, programToWire(inputs[name])])));
const withoutMark = (body: Properties) =>
  body.metadata === undefined ? body : { ...body, metadata: userMetadata(body.metadata) };

export const JOB_PATCHABLE = [
  'priority',
  'maxParallelTasks',
  'allowTaskPreemption',
  'constraints',
  'metadata',
  'onAllTasksComplete',
] as const;

export const jobWire: WireKind = {
  shape: { ...CHILD_SHAPE, ...JOB_SHAPE, jobId: 'text', tasks: 'list' },
  required: ['accountName', 'jobId', 'poolInfo'],
  idInput: 'jobId',
  schema: JobAdd,
  toWire: (inputs) => withoutMark({ id: inputs.jobId, ...pick(inputs, Object.keys(JOB_SHAPE)) }),
  toInput: ([first = '', ...rest]) => [first === 'id' ? 'jobId' : first, ...rest.map(named)],
  rules: Object.fromEntries(
    [...JOB_PATCHABLE, 'poolInfo'].map((name) => [name, 'update' as const]),
  ),
};

export const jobScheduleWire: WireKind = {
  shape: {
    ...CHILD_SHAPE,
    jobScheduleId: 'text',
    displayName: 'text',
    schedule: 'object',
    jobSpecification: 'object',
    metadata: 'list',
  },
  required: ['accountName', 'jobScheduleId', 'schedule', 'jobSpecification'],
  idInput: 'jobScheduleId',
  schema: JobScheduleAdd,
  toWire: (inputs) =>
    withoutMark({
      id: inputs.jobScheduleId,
      ...pick(inputs, ['displayName', 'schedule', 'jobSpecification', 'metadata']),
    }),
  toInput: ([first = '', ...rest]) => [
    first === 'id' ? 'jobScheduleId' : first,
    ...rest.map(named),
  ],
  rules: { schedule: 'update', jobSpecification: 'update', metadata: 'update' },
};

export const tasksToWire = (tasks: unknown): Properties[] =>
  listOf(tasks).map((task) => objectOf(programToWire(task)));

/** The service's normal form of a task, or the task itself where it isn't valid. */
export function normalTask(task: Properties): Properties {
  const result = TaskAdd.safeParse(task);
  return result.success ? { ...result.data } : task;
}

/** Each task by itself, ids that occur twice, and dependencies that the list can't fulfil. */
export function taskFailures(inputs: Properties): CheckFailure[] {
  if (!Array.isArray(inputs.tasks)) return [];
  const tasks = tasksToWire(inputs.tasks);
  const failures = tasks.flatMap((task, at) =>
    schemaFailures(TaskAdd, task, inputs, (path) => ['tasks', String(at), ...path.map(named)]),
  );
  const seen = new Set<string>();
  for (const task of tasks) {
    const id = textOf(task.id);
    if (id === undefined || holdsUnknown(id)) continue;
    if (seen.has(id.toLowerCase()))
      failures.push({
        property: 'tasks',
        reason: `the id ${id} occurs twice (case does not count)`,
      });
    seen.add(id.toLowerCase());
  }
  const dependants = tasks.filter((task) => task.dependsOn !== undefined);
  if (
    dependants.length > 0 &&
    inputs.usesTaskDependencies !== true &&
    !holdsUnknown(inputs.usesTaskDependencies)
  )
    failures.push({
      property: 'usesTaskDependencies',
      reason: `must be true: task ${String(dependants[0]?.id)} has dependsOn`,
    });
  return failures;
}
