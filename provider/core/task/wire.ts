import { TaskAdd } from '../../../protocol/batch/task.js';
import { schemaFailures } from '../check.js';
import { given, holdsUnknown, listOf, objectOf, textOf, type Properties } from '../json.js';
import type { CheckFailure } from '../kind.js';
import { programToWire } from '../program.js';
import { CHILD_SHAPE, type WireKind } from '../wire-kind.js';

const { owner: _none, ...childShape } = CHILD_SHAPE;

/** What a task has beside its id. */
const TASK_SHAPE = {
  displayName: 'text',
  commandLine: 'text',
  containerSettings: 'object',
  exitConditions: 'object',
  resourceFiles: 'list',
  outputFiles: 'list',
  environmentSettings: 'list',
  affinityInfo: 'object',
  constraints: 'object',
  requiredSlots: 'whole',
  userIdentity: 'object',
  multiInstanceSettings: 'object',
  dependsOn: 'object',
  applicationPackageReferences: 'list',
  authenticationTokenSettings: 'object',
} as const;
export const TASK_PROPERTIES = Object.keys(TASK_SHAPE);

const named = (part: string) => (part === 'username' ? 'userName' : part);

/** One task as a resource of its own. */
export const taskWire: WireKind = {
  shape: { ...childShape, ...TASK_SHAPE, jobId: 'text', taskId: 'text' },
  required: ['accountName', 'jobId', 'taskId', 'commandLine'],
  idInput: 'taskId',
  immutable: ['jobId'],
  schema: TaskAdd,
  toWire: (inputs) =>
    given({
      id: inputs.taskId,
      ...Object.fromEntries(TASK_PROPERTIES.map((name) => [name, programToWire(inputs[name])])),
    }),
  toInput: ([first = '', ...rest]) => [first === 'id' ? 'taskId' : first, ...rest.map(named)],
  rules: { constraints: 'update' },
};

/** A `tasks` list as bodies of the service. */
export const tasksToWire = (tasks: unknown): Properties[] =>
  listOf(tasks).map((task) => objectOf(programToWire(task)));

/** Ids are compared without case. */
export const taskKey = (task: Properties): string => String(task.id).toLowerCase();

/** The service's normal form of a task, or the task itself where it isn't valid. */
export function normalTask(task: Properties): Properties {
  const result = TaskAdd.safeParse(task);
  return result.success ? { ...result.data } : task;
}

/** What is wrong with a `tasks` list: each task by itself, and ids that occur twice. */
export function tasksFailures(inputs: Properties): CheckFailure[] {
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
  return failures;
}
