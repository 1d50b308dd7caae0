import { jobOf } from '../../protocol/keys.js';
import type {
  JobKey,
  JobScheduleKey,
  PoolKey,
  TaskFactoryKey,
  TaskKey,
} from '../../protocol/keys.js';

/**
 * What clients were told, and what they asked to go. An entity whose add was acknowledged exists until
 * somebody asks for its end: the asking counts, since an answer may be lost.
 */
export class Acknowledged {
  readonly pools = new Set<PoolKey>();
  readonly jobs = new Set<JobKey>();
  readonly jobSchedules = new Set<JobScheduleKey>();
  readonly tasks = new Set<TaskKey>();
  readonly factories = new Map<
    TaskFactoryKey,
    { job: JobKey; jobCreated: number; taskCount: number }
  >();
  /** Jobs whose termination was acknowledged, with their creation time. */
  readonly terminated = new Map<JobKey, number>();
  readonly #deletionsAsked = new Set<string>();
  readonly #reactivationsAsked = new Set<TaskKey>();

  askedToDelete(key: PoolKey | JobKey | JobScheduleKey | TaskKey): void {
    this.#deletionsAsked.add(key);
  }

  askedToReactivate(key: TaskKey): void {
    this.#reactivationsAsked.add(key);
  }

  mayBeReactivated(key: TaskKey): boolean {
    return this.#reactivationsAsked.has(key);
  }

  /** A job goes with its schedule too; its id is the schedule's with `:job-n`. */
  mayBeDeleted(key: PoolKey | JobKey | JobScheduleKey): boolean {
    return this.#deletionsAsked.has(key) || this.#deletionsAsked.has(key.split(':', 1)[0] ?? key);
  }

  taskMayBeDeleted(key: TaskKey): boolean {
    return this.#deletionsAsked.has(key) || this.mayBeDeleted(jobOf(key));
  }
}
