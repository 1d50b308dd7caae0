import { JobAdd } from '../../../protocol/batch/job.js';
import { JobScheduleAdd } from '../../../protocol/batch/job-schedule.js';
import { userMetadata } from '../account-of.js';
import { given, holdsUnknown, type Properties } from '../json.js';
import type { CheckFailure } from '../kind.js';
import { programToWire } from '../program.js';
import { tasksFailures, tasksToWire } from '../task/wire.js';
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

/** Each task by itself, ids that occur twice, and dependencies that the job doesn't allow. */
export function taskFailures(inputs: Properties): CheckFailure[] {
  if (!Array.isArray(inputs.tasks)) return [];
  const failures = tasksFailures(inputs);
  const dependant = tasksToWire(inputs.tasks).find((task) => task.dependsOn !== undefined);
  if (
    dependant !== undefined &&
    inputs.usesTaskDependencies !== true &&
    !holdsUnknown(inputs.usesTaskDependencies)
  )
    failures.push({
      property: 'usesTaskDependencies',
      reason: `must be true: task ${String(dependant.id)} has dependsOn`,
    });
  return failures;
}
