import { idOfTask } from '../../../controller/core/task-factory/state.js';
import { taskKey, type PoolKey } from '../../../protocol/keys.js';
import type { Change } from '../committed.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'acknowledged';
/** Answers between two looks at everything: what is lost stays lost, so none is missed. */
const LOOKS_EVERY = 25;

/** What a client was told to exist is durable, and stays until somebody asks for its end. */
export function acknowledgedChecker(): Checker {
  let answers = 0;
  const all = (sight: Sight) => {
    const { acknowledged, committed } = sight;
    const { tables } = committed;
    for (const kind of ['pools', 'jobs', 'jobSchedules', 'tasks'] as const)
      for (const key of acknowledged[kind]) {
        const gone =
          kind === 'tasks'
            ? acknowledged.taskMayBeDeleted(key as never)
            : acknowledged.mayBeDeleted(key as never);
        const table = tables[kind.slice(0, -1) as 'pool' | 'job' | 'jobSchedule' | 'task'];
        check(gone || table.has(key as never), NAME, () => `${kind.slice(0, -1)} ${key} is lost`);
      }
    checkFactories(sight);
    for (const [key, creationTime] of acknowledged.terminated) {
      const row = tables.job.get(key);
      check(
        row?.creationTime !== creationTime ||
          ['terminating', 'completed', 'deleting'].includes(row.state),
        NAME,
        () => `${key} was terminated and is ${row?.state ?? ''}`,
      );
    }
  };
  return {
    name: NAME,
    committed({ changes }, sight) {
      for (const change of changes) if (change.after === undefined) checkGone(change, sight);
    },
    acknowledged(sight) {
      answers += 1;
      if (answers % LOOKS_EVERY === 0) all(sight);
    },
    recovered: all,
    finished: all,
  };
}

/** Every task of a factory is there, or has its turn still to come. */
function checkFactories({ acknowledged, committed }: Sight): void {
  for (const [key, { job: jobKey, jobCreated, taskCount }] of acknowledged.factories) {
    const job = committed.tables.job.get(jobKey);
    if (job?.creationTime !== jobCreated) continue;
    const factory = committed.tables.taskFactory.get(key);
    check(factory?.count === taskCount, NAME, () => `factory ${key} is lost`);
    if (factory === undefined) continue;
    const { next, ahead } = job.factories?.[factory.id.toLowerCase()] ?? { next: taskCount };
    for (let index = 0; index < taskCount; index += 1) {
      if (index >= next && ahead?.includes(index) !== true) continue;
      const task = taskKey(jobKey, idOfTask(factory, index));
      check(
        committed.tables.task.has(task) || acknowledged.taskMayBeDeleted(task),
        NAME,
        () => `task ${task} of factory ${key} is lost`,
      );
    }
  }
}

/** Rows go only because somebody asked for it. */
function checkGone(change: Change, sight: Sight): void {
  const { acknowledged } = sight;
  const asked = (() => {
    switch (change.kind) {
      case 'task':
        return acknowledged.taskMayBeDeleted(change.key);
      case 'pool':
        return acknowledged.mayBeDeleted(change.key) || isNeedless(change.key, sight);
      case 'job':
      case 'jobSchedule':
        return acknowledged.mayBeDeleted(change.key);
      case 'node':
        return change.before?.leaving !== undefined || failedResize(change.before);
      default:
        return true;
    }
  })();
  check(asked, NAME, () => `${change.kind} ${change.key} is gone and nobody asked for it`);
}

/** An auto pool, and no job or schedule has it any more. */
function isNeedless(key: PoolKey, { committed, acknowledged }: Sight): boolean {
  if (acknowledged.pools.has(key)) return false;
  const { job: jobs, jobSchedule: schedules } = committed.tables;
  for (const job of jobs.values())
    if (job.pool === key && job.state !== 'completed' && job.state !== 'deleting') return false;
  for (const { autoPool, state } of schedules.values())
    if (autoPool?.key === key && (state === 'active' || state === 'disabled')) return false;
  return true;
}

/** A node that a resize could not make, or one that left and went in the same tick. */
const failedResize = (node: { incarnation: number; state: string } | undefined) =>
  node === undefined || (node.incarnation === 1 && node.state === 'creating');
