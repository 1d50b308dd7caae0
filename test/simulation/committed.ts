import { ENTITY_KINDS } from '../../controller/core/recorder.js';
import type { Batch, Rows, RowKind, TaskBody } from '../../controller/engine/ports.js';
import type { JobKey, TaskKey } from '../../protocol/keys.js';
import { jobOf } from '../../protocol/keys.js';

/** One row before and after a commit; undefined: it did not or does not exist. */
export type Change = {
  [K in RowKind]: {
    kind: K;
    key: Rows[K]['key'];
    before: Rows[K]['row'] | undefined;
    after: Rows[K]['row'] | undefined;
  };
}[RowKind];

/** A batch that has become durable, as seen from outside. */
export interface Commit {
  readonly number: number;
  readonly at: number;
  readonly changes: readonly Change[];
  readonly batch: Batch;
}

/**
 * What is durable, row by row; completed tasks too. The rows are copies that nobody else holds:
 * checkers read them, the store hands out copies of its own.
 */
export class Committed {
  readonly tables: { [K in RowKind]: Map<Rows[K]['key'], Rows[K]['row']> } = {
    account: new Map(),
    certificate: new Map(),
    application: new Map(),
    applicationPackage: new Map(),
    image: new Map(),
    hypervisor: new Map(),
    pool: new Map(),
    node: new Map(),
    job: new Map(),
    jobNode: new Map(),
    jobSchedule: new Map(),
    task: new Map(),
    taskFactory: new Map(),
    sampleWindow: new Map(),
  };
  readonly bodies = new Map<TaskKey, TaskBody>();
  readonly satisfied = new Map<JobKey, Set<string>>();
  readonly tasksOfJob = new Map<JobKey, Set<TaskKey>>();

  /** Takes up a batch (already a copy) as one transaction; says what it changed. */
  apply(batch: Batch): Change[] {
    const changes: Change[] = [];
    for (const job of batch.deleteTasksOfJobs) {
      for (const key of [...(this.tasksOfJob.get(job) ?? [])])
        this.#change('task', key, undefined, changes);
      this.satisfied.delete(job);
    }
    for (const kind of ENTITY_KINDS) this.#applyKind(kind, batch, changes);
    for (const { key, body } of batch.taskBodies) this.bodies.set(key, body);
    for (const { job, taskId } of batch.satisfied) this.#satisfiedOf(job).add(taskId.toLowerCase());
    for (const { job, taskId } of batch.unsatisfied)
      this.#satisfiedOf(job).delete(taskId.toLowerCase());
    return changes;
  }

  isSatisfied(job: JobKey, taskId: string): boolean {
    return this.satisfied.get(job)?.has(taskId.toLowerCase()) ?? false;
  }

  #applyKind<K extends RowKind>(kind: K, batch: Batch, changes: Change[]): void {
    const keys = batch.deletes[kind] ?? [];
    for (const key of keys) this.#change(kind, key, undefined, changes);
    for (const row of batch.upserts[kind] ?? [])
      this.#change(kind, row.key as Rows[K]['key'], row, changes);
  }

  #change<K extends RowKind>(
    kind: K,
    key: Rows[K]['key'],
    after: Rows[K]['row'] | undefined,
    changes: Change[],
  ): void {
    const table = this.tables[kind] as Map<Rows[K]['key'], Rows[K]['row']>;
    const before = table.get(key);
    if (after === undefined) table.delete(key);
    else table.set(key, after);
    if (before === undefined && after === undefined) return;
    changes.push({ kind, key, before, after } as Change);
    if (kind === 'task') this.#indexTask(key as TaskKey, after !== undefined);
  }

  #indexTask(key: TaskKey, exists: boolean): void {
    const job = jobOf(key);
    let keys = this.tasksOfJob.get(job);
    if (keys === undefined) this.tasksOfJob.set(job, (keys = new Set()));
    if (exists) keys.add(key);
    else {
      keys.delete(key);
      this.bodies.delete(key);
    }
  }

  #satisfiedOf(job: JobKey): Set<string> {
    let ids = this.satisfied.get(job);
    if (ids === undefined) this.satisfied.set(job, (ids = new Set()));
    return ids;
  }
}
