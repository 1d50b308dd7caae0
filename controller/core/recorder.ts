import type { TaskAdd } from '../../protocol/batch/task.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import type { HypervisorSwitch } from './hypervisor/state.js';
import type { Image } from './image/state.js';
import type { JobKey, NodeKey, TaskKey } from '../../protocol/keys.js';
import type { Account } from './account/state.js';
import type { ApplicationPackage } from './application-package/state.js';
import type { Application } from './application/state.js';
import type { SampleWindow } from './autoscale/sample-window.js';
import type { Certificate } from './certificate/state.js';
import type { Effect } from './effect.js';
import type { JobNode } from './job-node/state.js';
import type { JobSchedule } from './job-schedule/state.js';
import type { Job } from './job/state.js';
import type { Node } from './node/state.js';
import type { Pool } from './pool/state.js';
import type { Settings } from './settings.js';
import type { State } from './state.js';
import { newHistory, type History } from './task/history.js';
import type { TaskFactory } from './task-factory/state.js';
import type { Task } from './task/state.js';

/** Chance as the core sees it: the engine's Random port fits. */
export interface Chance {
  /** [0, 1) */
  next(): number;
  /** Lower-case hex of `bytes` random bytes. */
  hex(bytes: number): string;
}

/** Entities by kind, as the recorder knows them. */
export interface Entities {
  account: Account;
  certificate: Certificate;
  application: Application;
  applicationPackage: ApplicationPackage;
  image: Image;
  hypervisor: HypervisorSwitch;
  pool: Pool;
  node: Node;
  job: Job;
  jobNode: JobNode;
  jobSchedule: JobSchedule;
  task: Task;
  taskFactory: TaskFactory;
  sampleWindow: SampleWindow;
}
export type EntityKind = keyof Entities;

/** Every kind, each once. */
export const ENTITY_KINDS = [
  'account',
  'certificate',
  'application',
  'applicationPackage',
  'image',
  'hypervisor',
  'pool',
  'node',
  'job',
  'jobNode',
  'jobSchedule',
  'task',
  'taskFactory',
  'sampleWindow',
] as const satisfies readonly EntityKind[];

/** A broken promise of the code itself: the process stops and starts again from what is durable. */
export class InvariantBroken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InvariantBroken';
  }
}

/** Everything one tick changed and asked for. */
export class Changes {
  readonly dirty: { readonly [K in EntityKind]: Set<Entities[K]> } = {
    account: new Set(),
    certificate: new Set(),
    application: new Set(),
    applicationPackage: new Set(),
    image: new Set(),
    hypervisor: new Set(),
    pool: new Set(),
    node: new Set(),
    job: new Set(),
    jobNode: new Set(),
    jobSchedule: new Set(),
    task: new Set(),
    taskFactory: new Set(),
    sampleWindow: new Set(),
  };
  readonly deleted: { readonly [K in EntityKind]: Set<Entities[K]['key']> } = {
    account: new Set(),
    certificate: new Set(),
    application: new Set(),
    applicationPackage: new Set(),
    image: new Set(),
    hypervisor: new Set(),
    pool: new Set(),
    node: new Set(),
    job: new Set(),
    jobNode: new Set(),
    jobSchedule: new Set(),
    task: new Set(),
    taskFactory: new Set(),
    sampleWindow: new Set(),
  };
  readonly taskBodies = new Map<TaskKey, TaskAdd>();
  readonly jobsWithoutTasks = new Set<JobKey>();
  readonly satisfied: { job: JobKey; taskId: string }[] = [];
  readonly unsatisfied: { job: JobKey; taskId: string }[] = [];
  readonly history = newHistory();
  readonly effects: Effect[] = [];
  readonly assignments = new Map<
    NodeKey,
    { incarnation: number; attempts: { taskKey: TaskKey; attempt: number; again?: true }[] }
  >();
  readonly stops = new Map<NodeKey, { incarnation: number; attempts: AttemptRef[] }>();
  /** Things asked or changed so far: a refusal must find it where its command began. */
  count = 0;
}

/**
 * The only door to changing the state: whoever changes an entity says so here. `now` (epoch
 * milliseconds), chance and settings come with it, since the core has none of its own.
 */
export class Recorder {
  changes = new Changes();

  constructor(
    readonly state: State,
    readonly settings: Settings,
    readonly random: Chance,
    /** Epoch milliseconds; the same for all of a tick. */
    public now: number,
  ) {}

  /** The entity was changed (or added) and must be written. */
  changed<K extends EntityKind>(kind: K, entity: Entities[K]): void {
    this.changes.count += 1;
    this.changes.dirty[kind].add(entity);
    this.changes.deleted[kind].delete(entity.key);
  }

  /** The entity is gone: its row goes with this tick. */
  removed<K extends EntityKind>(kind: K, entity: Entities[K]): void {
    this.changes.count += 1;
    this.changes.dirty[kind].delete(entity);
    this.changes.deleted[kind].add(entity.key);
  }

  /** A client's ETag must notice this change. */
  touched<
    K extends
      | 'account'
      | 'application'
      | 'applicationPackage'
      | 'image'
      | 'pool'
      | 'job'
      | 'jobSchedule'
      | 'task',
  >(kind: K, entity: Entities[K]): void {
    entity.version += 1;
    entity.lastModified = this.now;
    this.changed(kind, entity);
  }

  /** Adds to the history of tasks. */
  remember<K extends 'attempts' | 'logs' | 'kept' | 'forgotten'>(
    kind: K,
    ...rows: History[K]
  ): void {
    this.changes.count += 1;
    for (const row of rows) (this.changes.history[kind] as unknown[]).push(row);
  }

  /** Short outputs that expired by `at` (epoch milliseconds) go. */
  expireLogs(at: number): void {
    this.changes.count += 1;
    this.changes.history.expiredAt = at;
  }

  ask(effect: Effect): void {
    this.changes.count += 1;
    this.changes.effects.push(effect);
  }

  /** Assignments of a tick go to a node in one message. `again`: the agent has begun it and forgot the rest. */
  assign(node: Node, task: Pick<Task, 'key' | 'attempt'>, again = false): void {
    this.changes.count += 1;
    const entry = this.changes.assignments.get(node.key);
    const attempt = {
      taskKey: task.key,
      attempt: task.attempt,
      ...(again ? { again } : {}),
    } as const;
    if (entry === undefined)
      this.changes.assignments.set(node.key, {
        incarnation: node.incarnation,
        attempts: [attempt],
      });
    else entry.attempts.push(attempt);
  }

  /** Stops of a tick go to a node in one message. */
  stop(node: Node, attempt: AttemptRef): void {
    this.changes.count += 1;
    const entry = this.changes.stops.get(node.key);
    if (entry === undefined)
      this.changes.stops.set(node.key, { incarnation: node.incarnation, attempts: [attempt] });
    else entry.attempts.push(attempt);
  }

  /** Hands over what was recorded and starts anew; message effects come out complete and in order. */
  take(): Changes {
    const taken = this.changes;
    for (const [nodeKey, { incarnation, attempts }] of taken.stops)
      taken.effects.push({ type: 'stopAttempts', nodeKey, incarnation, attempts });
    for (const [nodeKey, { incarnation, attempts }] of taken.assignments)
      taken.effects.push({ type: 'sendAssignments', nodeKey, incarnation, attempts });
    this.changes = new Changes();
    return taken;
  }
}

/** Asserts what must hold; stays on in production. */
export function must(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantBroken(message());
}
