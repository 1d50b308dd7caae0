import type { NodeKey, TaskKey } from '../../../protocol/keys.js';
import type { JobNode } from '../job-node/state.js';
import type { Job } from '../job/state.js';
import type { TaskFactory } from '../task-factory/state.js';
import type { Task } from '../task/state.js';
import { Dependencies } from './dependencies.js';
import { ReadyQueue } from './ready-queue.js';
import { Shelf } from './shelf.js';

/** Where tasks are that are in memory as themselves, and whose queues have something to pack. */
export interface Tasks {
  readonly tasks: Map<TaskKey, Task>;
  readonly toShelve: Set<JobWork>;
}

/** What scheduling knows of one job beyond its row; rebuilt at recovery. */
export class JobWork {
  /** Every task of the job in memory as itself, but completed ones that only a command loaded. */
  readonly tasks = new Set<Task>();
  /** No task of it that is not completed was added before: epoch milliseconds. */
  oldest = Infinity;
  /** Some task of it is, or was, a multi-instance task. */
  hasInstances = false;
  /** Tasks that wait for room only, packed. */
  readonly shelf: Shelf;
  readonly ready: ReadyQueue;
  readonly dependencies = new Dependencies();
  /** Tasks that are with a node, begun or not. */
  readonly inFlight = new Set<Task>();
  /** Nodes that ran, or run, its preparation task. */
  readonly nodes = new Map<NodeKey, JobNode>();
  /** By id in lower case, those that have made all their tasks too. */
  readonly factories = new Map<string, TaskFactory>();
  /** Attempts of deleted tasks that still die on nodes. */
  ghosts = 0;
  /** Moving average of run times by the nodes' clocks; absent until one ended. */
  averageRunMs: number | undefined;
  /** The job stands in its pool's order. */
  inOrder = false;

  constructor(
    readonly job: Job,
    all: Tasks,
  ) {
    this.shelf = new Shelf(job.key);
    this.ready = new ReadyQueue(this.shelf, {
      lifted: (task) => {
        all.tasks.set(task.key, task);
        this.tasks.add(task);
      },
      shelved: (task) => {
        all.tasks.delete(task.key);
        this.tasks.delete(task);
      },
      mayShelve: () => all.toShelve.add(this),
    });
  }

  /** One more task in memory. */
  add(task: Task): void {
    this.tasks.add(task);
    this.oldest = Math.min(this.oldest, task.creationTime);
    this.hasInstances ||= task.instances !== undefined;
  }

  /** One more run time for the average. */
  ran(ms: number): void {
    this.averageRunMs = this.averageRunMs === undefined ? ms : this.averageRunMs * 0.8 + ms * 0.2;
  }
}
