import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import { TaskAdd } from '../../../protocol/batch/task.js';
import type { TaskFactoryAdd } from '../../../protocol/batch/task-factory.js';
import { validate } from '../../../protocol/batch/validation.js';
import { jobKey, taskFactoryKey, taskKey, type TaskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { State } from '../../core/state.js';
import {
  idOfTask,
  indexOfTask,
  type Item,
  type Source,
  type TaskFactory,
} from '../../core/task-factory/state.js';
import {
  countOf,
  fill,
  longestOf,
  namesOf,
  parseTemplate,
  positionsOf,
} from '../../core/task-factory/template.js';
import { addFactory, missingOf } from '../../core/task-factory/unfold.js';
import type { Command, Transaction } from '../../engine/command.js';
import { findLiveJob, type Input } from '../find.js';
import { checkTaskOfJob } from './check.js';

export interface TaskFactoryReply {
  id: string;
  taskCount: number;
  firstTaskId: string;
  lastTaskId: string;
  /** Tasks that are made so far; the others count as active. */
  madeCount: number;
}

type FactoryInput = Input<TaskFactoryAdd> & { jobId: string; files?: readonly Item[] };

/**
 * Task_AddFactory: all its tasks are accepted, or none. They count from now on and are made little by
 * little. The same request again (a lost answer) changes nothing.
 * @throws BatchError TaskFactoryExists, TaskExists, InvalidPropertyValue and what Task_Add refuses
 */
export const taskAddFactory = (input: FactoryInput): Command<TaskFactoryReply> => {
  const { account, jobId, body } = input;
  const key = jobKey(account, jobId);
  let plan: Plan | undefined;
  const planned = () => (plan ??= planOf(input));
  return {
    name: 'taskAddFactory',
    loads: (state) => {
      const job = state.jobs.get(key);
      const isKnown = state.jobWork.get(key)?.factories.has(body.id.toLowerCase()) === true;
      return job === undefined || isKnown || job.taskCounts.completed === 0
        ? []
        : keysOf(key, planned());
    },
    run(transaction) {
      const job = findLiveJob(transaction, account, jobId);
      const { factories } = transaction.state.workOfJob(job.key);
      const present = factories.get(body.id.toLowerCase());
      if (present !== undefined) return repeated(present, job, planned().fingerprint);
      const factory = { ...planned(), job: job.key, firstSequence: job.nextTaskSequence };
      const made: TaskFactory = { ...factory, creationTime: transaction.now };
      check(transaction, job, made, planned().sample);
      addFactory(transaction, job, made);
      return replyOf(made, job);
    },
  };
};

type Plan = Omit<TaskFactory, 'job' | 'firstSequence' | 'creationTime'> & { sample: TaskAdd };

/** What the factory is, whatever its job is. Refuses what no job could take. */
function planOf({ account, jobId, body, files }: FactoryInput): Plan {
  const source = sourceOf(body, files);
  const count = countOf(source);
  if (count < 1 || count > LIMITS.factoryTasks)
    throw invalidPropertyValue(
      body.filesOf === undefined ? 'parametricSweep' : 'filesOf',
      String(count),
      `allowed are 1 to ${LIMITS.factoryTasks} tasks`,
    );
  const { template, sample } = checkedTemplate(body, source);
  const idPrefix = body.taskIdPrefix ?? `${body.id}-`;
  const plan = {
    key: taskFactoryKey(jobKey(account, jobId), body.id),
    id: body.id,
    fingerprint: fingerprintOf(JSON.stringify(body)),
    count,
    idPrefix,
    firstNumber: body.firstTaskNumber,
    idDigits: body.taskIdDigits,
    requiredSlots: sample.requiredSlots,
    plan: { source, template },
  };
  const last = `${idPrefix}${String(body.firstTaskNumber + count - 1).padStart(body.taskIdDigits, '0')}`;
  if (last.length > LIMITS.idLength)
    throw invalidPropertyValue(
      'taskIdPrefix',
      idPrefix,
      `the id ${last} would have more than ${LIMITS.idLength} characters`,
    );
  return { ...plan, sample: { ...sample, id: last } };
}

function sourceOf({ parametricSweep, list }: TaskFactoryAdd, files: readonly Item[] = []): Source {
  if (parametricSweep !== undefined) return { kind: 'sweep', sets: parametricSweep.parameterSets };
  return { kind: 'list', items: list?.items ?? files };
}

/** The template with its defaults as JSON text, and the longest task that can come of it. */
function checkedTemplate(
  { repeatTask }: TaskFactoryAdd,
  source: Source,
): { template: string; sample: TaskAdd } {
  const names = namesOf(source);
  const given = JSON.stringify(repeatTask);
  for (const position of positionsOf(given))
    if (!names.has(String(position)))
      throw invalidPropertyValue(
        'repeatTask',
        `{${position}}`,
        `the parameters of every task are ${[...names].map((name) => `{${name}}`).join(', ')}`,
      );
  const pieces = parseTemplate(given, (name) => names.has(name));
  const longest = JSON.parse(fill(pieces, longestOf(source))) as object;
  const sample = validate(TaskAdd, { ...longest, id: 'x' });
  const { id: _id, ...checked } = sample;
  return { template: JSON.stringify(withPlaceholders(checked, repeatTask)), sample };
}

/** What was checked (with its defaults), but with the texts that have placeholders as they were given. */
function withPlaceholders(checked: unknown, given: unknown): unknown {
  if (typeof given === 'string') return given.includes('{') ? given : checked;
  if (typeof given !== 'object' || given === null) return checked;
  if (Array.isArray(checked))
    return checked.map((item, at) => withPlaceholders(item, (given as unknown[])[at]));
  if (typeof checked !== 'object' || checked === null) return checked;
  const named = given as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(checked).map(([name, value]) => [name, withPlaceholders(value, named[name])]),
  );
}

/** 64 bits of the text (FNV-1a, twice): tells one request from another, keeps no secrets. */
function fingerprintOf(text: string): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193) >>> 0;
    b = Math.imul(b ^ code, 0x85ebca6b) >>> 0;
  }
  return `${a.toString(16)}${b.toString(16)}`;
}

function* indices({ count }: Pick<TaskFactory, 'count'>): Generator<number> {
  for (let index = 0; index < count; index += 1) yield index;
}

const keysOf = (job: Job['key'], plan: Plan): TaskKey[] =>
  Array.from(indices(plan), (index) =>
    taskKey(job, idOfTask(plan as unknown as TaskFactory, index)),
  );

function repeated(factory: TaskFactory, job: Job, fingerprint: string): TaskFactoryReply {
  if (factory.fingerprint !== fingerprint)
    throw new BatchError('TaskFactoryExists', [{ key: 'TaskFactoryId', value: factory.id }]);
  return replyOf(factory, job);
}

function replyOf(factory: TaskFactory, job: Job): TaskFactoryReply {
  const unfolding = job.factories?.[factory.id.toLowerCase()];
  return {
    id: factory.id,
    taskCount: factory.count,
    firstTaskId: idOfTask(factory, 0),
    lastTaskId: idOfTask(factory, factory.count - 1),
    madeCount: factory.count - (unfolding === undefined ? 0 : missingOf(factory, unfolding)),
  };
}

function check(transaction: Transaction, job: Job, factory: TaskFactory, sample: TaskAdd): void {
  const { state } = transaction;
  if (Object.keys(job.factories ?? {}).length >= LIMITS.openFactories)
    throw new BatchError('OperationInvalidForCurrentState', [
      { key: 'Reason', value: `${LIMITS.openFactories} factories of the job have tasks to make` },
    ]);
  checkTaskOfJob(job, sample);
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  if (owns(factory, jobPreparationTask?.id)) throw new BatchError('TaskIdSameAsJobPreparationTask');
  if (owns(factory, jobReleaseTask?.id)) throw new BatchError('TaskIdSameAsJobReleaseTask');
  const taken = takenBy(state, job, factory);
  if (taken !== undefined) throw new BatchError('TaskExists', [{ key: 'TaskId', value: taken }]);
}

const owns = (factory: TaskFactory, id: string | undefined) =>
  id !== undefined && indexOfTask(factory, id) !== undefined;

/** An id that the factory would give and that is taken, by a task or by another factory. */
function takenBy(state: State, job: Job, factory: TaskFactory): string | undefined {
  const work = state.workOfJob(job.key);
  for (const { id } of work.tasks) if (owns(factory, id)) return id;
  for (const { id } of work.shelf) if (owns(factory, id)) return id;
  // Completed ones that were loaded for this command.
  for (const task of state.toEvict)
    if (task.job === job.key && owns(factory, task.id)) return task.id;
  for (const id of Object.keys(job.factories ?? {})) {
    const other = work.factories.get(id);
    const both = other === undefined ? undefined : firstShared(factory, other);
    if (both !== undefined) return both;
  }
  return undefined;
}

/** Ids of two factories can only meet where one prefix goes on as digits of the other. */
function firstShared(a: TaskFactory, b: TaskFactory): string | undefined {
  const [short, long] = a.idPrefix.length <= b.idPrefix.length ? [a, b] : [b, a];
  const rest = long.idPrefix.slice(short.idPrefix.length);
  const meet =
    long.idPrefix.toLowerCase().startsWith(short.idPrefix.toLowerCase()) && /^\d*$/.test(rest);
  if (!meet) return undefined;
  const [few, many] = a.count <= b.count ? [a, b] : [b, a];
  for (const index of indices(few)) {
    const id = idOfTask(few, index);
    if (owns(many, id)) return id;
  }
  return undefined;
}
