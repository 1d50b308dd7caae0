import type { Account } from '../core/account/state.js';
import type { ApplicationPackage } from '../core/application-package/state.js';
import type { ApplicationPackageReference, ResolvedPackage } from '../core/application/resolve.js';
import type { Application } from '../core/application/state.js';
import type { SampleWindow } from '../core/autoscale/sample-window.js';
import type { Certificate } from '../core/certificate/state.js';
import type { Effect } from '../core/effect.js';
import type { JobNode } from '../core/job-node/state.js';
import type { JobSchedule } from '../core/job-schedule/state.js';
import type { HypervisorSwitch } from '../core/hypervisor/state.js';
import type { Image } from '../core/image/state.js';
import type { Job } from '../core/job/state.js';
import type { SupportedImage } from '../core/settings.js';
import type { Node } from '../core/node/state.js';
import type { Pool } from '../core/pool/state.js';
import type { Snapshot } from '../core/restore.js';
import type { History } from '../core/task/history.js';
import type { TaskFactory } from '../core/task-factory/state.js';
import type { Task } from '../core/task/state.js';
import type { TaskAdd } from '../../protocol/batch/task.js';
import type {
  AccountKey,
  ApplicationKey,
  ApplicationPackageKey,
  HypervisorKey,
  ImageKey,
  CertificateKey,
  JobKey,
  JobNodeKey,
  JobScheduleKey,
  NodeKey,
  PoolKey,
  SampleWindowKey,
  TaskFactoryKey,
  TaskKey,
} from '../../protocol/keys.js';

/** The four interfaces between the engine and the world: Clock, Random, Store, Effects. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds of a clock that nobody sets, from any beginning; absent: `now` is such a clock. */
  monotonic?(): number;
  /** Calls back once, at or after `at`; the returned function cancels. */
  wakeAt(at: number, callback: () => void): () => void;
}

export interface Random {
  /** [0, 1) */
  next(): number;
  /** Lower-case hex of `bytes` random bytes. */
  hex(bytes: number): string;
}

/** Executors of effects. Called after the commit, in order; must not throw: failures come back as events. */
export interface Effects {
  perform(effects: readonly Effect[]): void;
}

/** A task's body: the validated Task_Add (or job manager task turned into one), kept apart from its state. */
export type TaskBody = TaskAdd;

/** Rows by kind. A row is the entity itself as plain JSON (`Node` without its `session`). */
export interface Rows {
  account: { key: AccountKey; row: Account };
  certificate: { key: CertificateKey; row: Certificate };
  application: { key: ApplicationKey; row: Application };
  applicationPackage: { key: ApplicationPackageKey; row: ApplicationPackage };
  image: { key: ImageKey; row: Image };
  hypervisor: { key: HypervisorKey; row: HypervisorSwitch };
  pool: { key: PoolKey; row: Pool };
  node: { key: NodeKey; row: Omit<Node, 'session'> };
  job: { key: JobKey; row: Job };
  jobNode: { key: JobNodeKey; row: JobNode };
  jobSchedule: { key: JobScheduleKey; row: JobSchedule };
  task: { key: TaskKey; row: Task };
  taskFactory: { key: TaskFactoryKey; row: TaskFactory };
  sampleWindow: { key: SampleWindowKey; row: SampleWindow };
}
export type RowKind = keyof Rows;

/** Everything one tick changed, written in one transaction. */
export interface Batch {
  upserts: { [K in RowKind]?: Rows[K]['row'][] };
  /** Written once, when the task is added. */
  taskBodies: { key: TaskKey; body: TaskBody }[];
  deletes: { [K in RowKind]?: Rows[K]['key'][] };
  /** Jobs whose tasks (all rows, bodies and remembered dependencies) go in this transaction. */
  deleteTasksOfJobs: JobKey[];
  /** Ids whose completion satisfies dependants, remembered beyond the task's own life. */
  satisfied: { job: JobKey; taskId: string }[];
  /** The same, taken back (a reactivated task must satisfy again). */
  unsatisfied: { job: JobKey; taskId: string }[];
  /** Attempts and logs beside the tasks' rows; those of a deleted task go with it. */
  history?: History;
}

/**
 * Rows only, no rules. One process owns a store. `commit` resolves once the batch would survive a
 * power cut, and rejects if nothing of it was written.
 */
export interface Store {
  load(): Promise<Snapshot>;
  /** Tasks that are not completed, in order of job and sequence, in pages; asked while nothing is committed. */
  openTasks(): AsyncIterable<readonly Task[]>;
  commit(batch: Batch): Promise<void>;
  /** Rows that exist, in any order. */
  readTasks(keys: readonly TaskKey[]): Promise<Task[]>;
  readTaskBodies(keys: readonly TaskKey[]): Promise<Map<TaskKey, TaskBody>>;
  close(): Promise<void>;
}

/** A read-only look at memory for executors and authentication; never changed from outside the engine. */
export interface StateView {
  readonly accounts: ReadonlyMap<AccountKey, Readonly<Account>>;
  readonly certificates: ReadonlyMap<CertificateKey, Readonly<Certificate>>;
  readonly applications: ReadonlyMap<ApplicationKey, Readonly<Application>>;
  readonly applicationPackages: ReadonlyMap<ApplicationPackageKey, Readonly<ApplicationPackage>>;
  readonly images: ReadonlyMap<ImageKey, Readonly<Image>>;
  /** Imported images that pools may name. */
  importedImages(): Iterable<SupportedImage & { imageName: string }>;
  readonly pools: ReadonlyMap<PoolKey, Readonly<Pool>>;
  readonly nodes: ReadonlyMap<NodeKey, Readonly<Node>>;
  readonly jobs: ReadonlyMap<JobKey, Readonly<Job>>;
  /** What a reference to an application package means right now. */
  applicationPackage(account: AccountKey, reference: ApplicationPackageReference): ResolvedPackage;
  nodesOfPool(pool: PoolKey): Iterable<Readonly<Node>>;
  /** What the job's special tasks did or do on the node. */
  jobNode(job: JobKey, node: NodeKey): Readonly<JobNode> | undefined;
  task(key: TaskKey): Readonly<Task> | undefined;
  /** Only of tasks just added; else the store has it. */
  taskBody(key: TaskKey): Readonly<TaskBody> | undefined;
}
