import type { Task } from '../../controller/core/task/state.js';
import type { Batch, Store } from '../../controller/engine/ports.js';
import type { Snapshot } from '../../controller/core/restore.js';
import type { TaskKey } from '../../protocol/keys.js';
import type { Timeline } from './clock.js';
import { Committed, type Commit } from './committed.js';
import type { Happening } from './coverage.js';
import { chanceOf, type Fault, type Rate } from './options.js';
import { spoil, type Canary } from './plant.js';
import type { RandomStream } from './random.js';

interface Pending {
  readonly batch: Batch;
  cancel: () => void;
}

export interface DiskPorts {
  timeline: Timeline;
  random: RandomStream;
  faults: () => Record<Fault, Rate>;
  canary: Canary | undefined;
  happened: (what: Happening) => void;
  /** Called in the instant in which a batch becomes durable. */
  onCommit: (commit: Commit) => void;
}

/** The store's word that nothing of a batch was written; the controller must end and start anew. */
export class DiskRefused extends Error {
  constructor() {
    super('the disk took nothing of the batch');
    this.name = 'DiskRefused';
  }
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/**
 * What outlives the controller. It is honest: what it said is durable stays, what was under way at a
 * crash is there as a whole or not at all. (Torn writes are the database's business and its tests'.)
 */
export class SimulatedDisk {
  readonly committed = new Committed();
  /** Called when the next commit is under way. */
  atNextCommit: (() => void) | undefined;
  #commits = 0;
  #owner: SimulatedStore | undefined;

  constructor(readonly ports: DiskPorts) {}

  /** The store of the next controller's life; the one before can't write any more. */
  open(): Store {
    this.#owner = new SimulatedStore(this, this.ports);
    return this.#owner;
  }

  /** Power is cut from the controller: a commit under way is durable or never was. */
  crash(): void {
    this.#owner?.die();
    this.#owner = undefined;
  }

  get commits(): number {
    return this.#commits;
  }

  /** Makes a batch durable. */
  write(batch: Batch): void {
    this.#commits += 1;
    const { canary, timeline, onCommit } = this.ports;
    const written = spoil(canary, batch, this.#commits, this.committed);
    if (written === undefined) return;
    const changes = this.committed.apply(written);
    onCommit({ number: this.#commits, at: timeline.now, changes, batch: written });
  }

  /** Everything but tasks, as a new controller reads it. */
  snapshot(): Snapshot {
    const { tables, bodies, satisfied } = this.committed;
    const tasks = this.#open();
    return copy({
      accounts: [...tables.account.values()],
      certificates: [...tables.certificate.values()],
      applications: [...tables.application.values()],
      applicationPackages: [...tables.applicationPackage.values()],
      images: [...tables.image.values()],
      hypervisors: [...tables.hypervisor.values()],
      pools: [...tables.pool.values()],
      nodes: [...tables.node.values()],
      jobs: [...tables.job.values()],
      jobNodes: [...tables.jobNode.values()],
      jobSchedules: [...tables.jobSchedule.values()],
      taskFactories: [...tables.taskFactory.values()],
      sampleWindows: [...tables.sampleWindow.values()],
      dependencies: tasks.flatMap(({ key }) => {
        const dependsOn = bodies.get(key)?.dependsOn;
        return dependsOn === undefined ? [] : [{ key, dependsOn }];
      }),
      satisfied: [...satisfied].flatMap(([job, ids]) =>
        [...ids].map((taskId) => ({ job, taskId })),
      ),
    });
  }

  /** Tasks that are not completed. */
  openTasks(): Task[] {
    return copy(this.#open());
  }

  #open(): Task[] {
    return [...this.committed.tables.task.values()]
      .filter((task) => task.state !== 'completed')
      .sort((a, b) => (a.job === b.job ? a.sequence - b.sequence : a.job < b.job ? -1 : 1));
  }
}

class SimulatedStore implements Store {
  #dead = false;
  #pending: Pending | undefined;

  constructor(
    private readonly disk: SimulatedDisk,
    private readonly ports: DiskPorts,
  ) {}

  async load(): Promise<Snapshot> {
    await this.#later(5, 200);
    return this.disk.snapshot();
  }

  /** Pages of ten: it may die between two. */
  async *openTasks(): AsyncGenerator<Task[]> {
    const tasks = this.disk.openTasks();
    while (tasks.length > 0) {
      yield tasks.splice(0, 10);
      await this.#later(0, 1);
    }
  }

  commit(batch: Batch): Promise<void> {
    if (this.#pending !== undefined)
      throw new Error('a commit was begun before the last one ended');
    // Rows are the living entities: what they hold now is what is written.
    const pending: Pending = { batch: copy(batch), cancel: () => undefined };
    this.#pending = pending;
    this.disk.atNextCommit?.();
    this.disk.atNextCommit = undefined;
    const refused = this.ports.random.chance(chanceOf(this.ports.faults().commitRefused) / 50);
    return new Promise((resolve, reject) => {
      if (this.#dead) return;
      pending.cancel = this.ports.timeline.after(this.ports.random.int(0, 8), () => {
        this.#pending = undefined;
        if (refused) {
          this.ports.happened('commitRefused');
          return reject(new DiskRefused());
        }
        this.disk.write(pending.batch);
        // The controller may have died in that very instant: then it never hears of it.
        if (!this.#dead) resolve();
      });
    });
  }

  async readTasks(keys: readonly TaskKey[]) {
    await this.#later(0, 5);
    const { task } = this.disk.committed.tables;
    return copy(keys.map((key) => task.get(key)).filter((row) => row !== undefined));
  }

  async readTaskBodies(keys: readonly TaskKey[]) {
    await this.#later(0, 5);
    const found = keys.map((key) => [key, this.disk.committed.bodies.get(key)] as const);
    return new Map(found.flatMap(([key, body]) => (body === undefined ? [] : [[key, copy(body)]])));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The controller is gone: nobody hears the end of what was under way. */
  die(): void {
    this.#dead = true;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    pending.cancel();
    const isKept = this.ports.random.chance(0.5);
    this.ports.happened(isKept ? 'diedInCommitKept' : 'diedInCommitLost');
    if (isKept) this.disk.write(pending.batch);
  }

  /** Never resolves once the controller is gone. */
  #later(minimumMs: number, maximumMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.ports.timeline.after(this.ports.random.int(minimumMs, maximumMs), () => {
        if (!this.#dead) resolve();
      });
    });
  }
}
