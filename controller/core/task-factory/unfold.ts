import type { TaskAdd } from '../../../protocol/batch/task.js';
import type { Job } from '../job/state.js';
import { must, type Recorder } from '../recorder.js';
import type { State } from '../state.js';
import { addTask } from '../task/add.js';
import type { Task } from '../task/state.js';
import { idOfTask, indexOfTask, type TaskFactory, type Unfolding } from './state.js';
import { fill, namesOf, parseTemplate, valuesOf, type Template } from './template.js';

/** Wakes the engine for the next batch. */
export const FACTORIES_DEADLINE = 'factories:';
/** Tasks that one tick makes, over all factories: a commit of some milliseconds. */
const TASKS_A_TICK = 2_000;

/** Tasks of the factory that are accepted and not made. */
export const missingOf = (factory: TaskFactory, { next, ahead }: Unfolding) =>
  factory.count - next - (ahead?.length ?? 0);

/** Tasks of the job that are accepted and not made. */
export function unmadeOf(state: State, job: Job): { tasks: number; slots: number } {
  const sum = { tasks: 0, slots: 0 };
  for (const [id, unfolding] of Object.entries(job.factories ?? {})) {
    const factory = state.workOfJob(job.key).factories.get(id);
    if (factory === undefined) continue;
    const missing = missingOf(factory, unfolding);
    sum.tasks += missing;
    sum.slots += missing * factory.requiredSlots;
  }
  return sum;
}

const isMade = ({ next, ahead }: Unfolding, index: number) =>
  index < next || ahead?.includes(index) === true;

/** The factory that has accepted a task of this id and not made it yet. */
export function factoryOfTask(
  state: State,
  job: Job,
  taskId: string,
): { factory: TaskFactory; index: number } | undefined {
  for (const [id, unfolding] of Object.entries(job.factories ?? {})) {
    const factory = state.workOfJob(job.key).factories.get(id);
    const index = factory === undefined ? undefined : indexOfTask(factory, taskId);
    if (factory !== undefined && index !== undefined && !isMade(unfolding, index))
      return { factory, index };
  }
  return undefined;
}

/** Takes up the factory of a request that was checked: its tasks count from now on. */
export function addFactory(recorder: Recorder, job: Job, factory: TaskFactory): void {
  const { state } = recorder;
  state.addTaskFactory(factory);
  job.factories = { ...job.factories, [factory.id.toLowerCase()]: { next: 0 } };
  job.nextTaskSequence += factory.count;
  job.taskCounts.active += factory.count;
  job.taskSlotCounts.active += factory.count * factory.requiredSlots;
  recorder.changed('taskFactory', factory);
  recorder.changed('job', job);
  state.toSettle.jobs.add(job.key);
  if (job.pool !== undefined) state.queueChanged.add(job.pool);
  armFactories(recorder, job);
}

/** Has the tasks of the job made, from the next tick on; not where none will ever run. */
export function armFactories({ state, now }: Recorder, job: Job): void {
  if (job.factories === undefined || isOver(job)) return;
  state.unfolding.add(job.key);
  state.deadlines.arm(FACTORIES_DEADLINE, now + 1);
}

const isOver = ({ state }: Job) =>
  state === 'terminating' || state === 'completed' || state === 'deleting';

/** Makes the next tasks of all factories, the jobs sharing what a tick makes. */
export function unfold(recorder: Recorder): void {
  const { state } = recorder;
  const share = Math.ceil(TASKS_A_TICK / Math.max(1, state.unfolding.size));
  let left = TASKS_A_TICK;
  for (const key of [...state.unfolding]) {
    const job = state.jobs.get(key);
    // Who had its turn stands at the end.
    state.unfolding.delete(key);
    if (job?.factories === undefined || isOver(job)) continue;
    left -= unfoldJob(recorder, job, Math.min(share, left));
    if (Object.keys(job.factories ?? {}).length > 0) state.unfolding.add(key);
    if (left <= 0) break;
  }
  if (state.unfolding.size > 0) state.deadlines.arm(FACTORIES_DEADLINE, recorder.now + 1);
}

function unfoldJob(recorder: Recorder, job: Job, most: number): number {
  let made = 0;
  for (const [id, unfolding] of Object.entries(job.factories ?? {})) {
    const factory = recorder.state.workOfJob(job.key).factories.get(id);
    must(factory !== undefined, () => `job ${job.key} unfolds ${id}, which is not there`);
    const template = templateOf(factory);
    for (; unfolding.next < factory.count && made < most; unfolding.next += 1) {
      const at = unfolding.ahead?.indexOf(unfolding.next) ?? -1;
      if (at >= 0) unfolding.ahead?.splice(at, 1);
      else {
        make(recorder, job, factory, template, unfolding.next);
        made += 1;
      }
    }
    if (unfolding.next === factory.count) finish(recorder, job, factory);
    if (made >= most) break;
  }
  recorder.changed('job', job);
  return made;
}

function templateOf({ plan }: TaskFactory): Template {
  if (plan === undefined) return [];
  const names = namesOf(plan.source);
  return parseTemplate(plan.template, (name) => names.has(name));
}

function make(
  recorder: Recorder,
  job: Job,
  factory: TaskFactory,
  template: Template,
  index: number,
): Task {
  const { plan } = factory;
  must(plan !== undefined, () => `factory ${factory.key} has nothing to make tasks of`);
  const body = JSON.parse(fill(template, valuesOf(plan.source, index))) as TaskAdd;
  body.id = idOfTask(factory, index);
  return addTask(recorder, job, body, undefined, factory.firstSequence + index);
}

/** Makes one task before its turn. */
export function makeAhead(
  recorder: Recorder,
  job: Job,
  { factory, index }: { factory: TaskFactory; index: number },
): Task {
  const unfolding = job.factories?.[factory.id.toLowerCase()];
  must(unfolding !== undefined, () => `factory ${factory.key} has made all its tasks`);
  const task = make(recorder, job, factory, templateOf(factory), index);
  (unfolding.ahead ??= []).push(index);
  recorder.changed('job', job);
  return task;
}

/** All its tasks are made: only who repeats the request needs it still. */
function finish(recorder: Recorder, job: Job, factory: TaskFactory): void {
  const id = factory.id.toLowerCase();
  delete factory.plan;
  recorder.changed('taskFactory', factory);
  const rest = Object.entries(job.factories ?? {}).filter(([other]) => other !== id);
  if (rest.length === 0) delete job.factories;
  else job.factories = Object.fromEntries(rest);
}
