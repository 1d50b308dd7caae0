import type { JobKey, JobScheduleKey, PoolKey, RunsKey, TaskKey } from '../../protocol/keys.js';
import type { NodeState } from '../core/node/state.js';
import type { Task } from '../core/task/state.js';
import type { AttemptLog, KeptLog, PastAttempt } from '../core/task/history.js';
import type { RowKind, Rows, TaskBody } from './ports.js';

export type ComparisonOperator = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';

/** What a filter compares. `path` leads into the row's document: `execution.exitCode`. */
export type FilterField =
  /** The entity's id: the last segment of its key, compared without case. */
  | { kind: 'id' }
  /** The entity's state, lower case. */
  | { kind: 'state' }
  /** Text, compared without (ASCII) case. */
  | { kind: 'text'; path: string }
  | { kind: 'number'; path: string }
  /** Epoch milliseconds in the row. */
  | { kind: 'time'; path: string }
  /** ISO 8601 text in the row, epoch milliseconds in the filter. */
  | { kind: 'isoTime'; path: string }
  /** Absent counts as false. */
  | { kind: 'boolean'; path: string };

/**
 * A filter whose properties are already checked and resolved. Each comparison is true or false: with
 * an absent property `ne` is true and everything else false, so `not` behaves as people expect.
 */
export type Filter =
  | { type: 'and' | 'or'; operands: readonly Filter[] }
  | { type: 'not'; operand: Filter }
  | {
      type: 'compare';
      field: FilterField;
      operator: ComparisonOperator;
      value: string | number | boolean;
    }
  | { type: 'startsWith'; field: FilterField; prefix: string };

/** A page of one kind in ascending order of keys, which is that of ids without case. */
export interface ListQuery {
  /** The parent's key: entities whose key is `{scope}/{id}`. Empty: all accounts. */
  scope: string;
  /** Jobs only: those that this schedule made. */
  jobSchedule?: JobScheduleKey;
  filter?: Filter;
  /** Only ids (lower case) beyond this one. */
  after?: string;
  /** At most so many rows. */
  limit: number;
}

export interface NodeCount {
  pool: PoolKey;
  isDedicated: boolean;
  state: NodeState;
  count: number;
}

/**
 * What queries may ask: committed rows, never memory. An answer given after a commit resolved holds
 * what that commit wrote. Order by key and `after` let pages survive concurrent changes.
 */
export interface Reader {
  get<K extends RowKind>(kind: K, key: Rows[K]['key']): Promise<Rows[K]['row'] | undefined>;
  list<K extends RowKind>(kind: K, query: ListQuery): Promise<Rows[K]['row'][]>;
  /** Those that exist, in any order. */
  tasks(keys: readonly TaskKey[]): Promise<Task[]>;
  /** Bodies that exist, by key. */
  taskBodies(keys: readonly TaskKey[]): Promise<Map<TaskKey, TaskBody>>;
  /** Nodes by pool, kind and state; combinations without a node are left out. */
  nodeCounts(pools: readonly PoolKey[]): Promise<NodeCount[]>;
  /** Past attempts of a task, or runs of a special task on a node, with numbers above `after`, in their order. */
  attempts(task: RunsKey, after: number, limit: number): Promise<PastAttempt[]>;
  /** Those of all special tasks of a job, by node and number, beyond one of them. */
  specialRuns(
    job: JobKey,
    after: { task: string; number: number } | undefined,
    limit: number,
  ): Promise<PastAttempt[]>;
  attemptLog(task: TaskKey, number: number): Promise<AttemptLog | undefined>;
  /** Logs in the object store that are to be looked at by now, those that wait longest first. */
  keptLogsDue(now: number, limit: number): Promise<KeptLog[]>;
  /** Whether short outputs, or runs of start tasks, have expired by now. */
  hasExpiredLogs(now: number): Promise<boolean>;
  /** Those of one owner. */
  keptLogsOf(owner: RunsKey, limit: number): Promise<KeptLog[]>;
}
