import { isOfStartTask, jobOf, type RunsKey, type TaskKey } from '../../protocol/keys.js';
import { ENTITY_KINDS, type Changes } from '../core/recorder.js';
import type { Node } from '../core/node/state.js';
import { isEmptyHistory, type History } from '../core/task/history.js';
import type { Batch } from './ports.js';

const rowOf = (node: Node): Omit<Node, 'session'> => {
  const { session: _session, ...row } = node;
  return row;
};

/** A task that goes in this tick takes its history along. */
function historyOf({ history, deleted, jobsWithoutTasks }: Changes): History {
  const stays = ({ task }: { task: RunsKey }) =>
    isOfStartTask(task) ||
    (!deleted.task.has(task as TaskKey) && !jobsWithoutTasks.has(jobOf(task)));
  return {
    ...history,
    attempts: history.attempts.filter(stays),
    logs: history.logs.filter(stays),
  };
}

/** The rows of one tick. Entities that came and went within it leave no trace. */
export function batchOf(changes: Changes): Batch {
  const { dirty, deleted } = changes;
  const batch: Batch = {
    upserts: {},
    taskBodies: [...changes.taskBodies].map(([key, body]) => ({ key, body })),
    deletes: {},
    deleteTasksOfJobs: [...changes.jobsWithoutTasks],
    satisfied: changes.satisfied,
    unsatisfied: changes.unsatisfied,
    ...(isEmptyHistory(changes.history) ? {} : { history: historyOf(changes) }),
  };
  for (const kind of ENTITY_KINDS)
    if (deleted[kind].size > 0) Object.assign(batch.deletes, { [kind]: [...deleted[kind]] });
  for (const kind of ENTITY_KINDS) {
    const gone: ReadonlySet<string> = deleted[kind];
    const rows: { key: string }[] = kind === 'node' ? [...dirty.node].map(rowOf) : [...dirty[kind]];
    // A row of samples is a new object each time it is written: that its key is gone has the last word.
    const left = gone.size === 0 ? rows : rows.filter(({ key }) => !gone.has(key));
    if (left.length > 0) Object.assign(batch.upserts, { [kind]: left });
  }
  const gone = changes.jobsWithoutTasks;
  if (gone.size > 0) {
    batch.upserts.task = (batch.upserts.task ?? []).filter((task) => !gone.has(task.job));
    batch.taskBodies = batch.taskBodies.filter(({ key }) => !gone.has(jobOf(key)));
  }
  return batch;
}

/** True where nothing needs to be written. */
export const isEmpty = (changes: Changes) =>
  changes.taskBodies.size === 0 &&
  changes.jobsWithoutTasks.size === 0 &&
  changes.satisfied.length === 0 &&
  changes.unsatisfied.length === 0 &&
  isEmptyHistory(changes.history) &&
  ENTITY_KINDS.every((kind) => changes.dirty[kind].size === 0 && changes.deleted[kind].size === 0);
