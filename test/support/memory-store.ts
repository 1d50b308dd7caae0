import type { Batch, RowKind, Rows, Store, TaskBody } from '../../controller/engine/ports.js';
import type { Snapshot } from '../../controller/core/restore.js';
import type { Task } from '../../controller/core/task/state.js';
import type { JobKey, TaskKey } from '../../protocol/keys.js';

/** Rows as JSON text, so that nothing of memory leaks into what is durable. */
export class MemoryStore implements Store {
  readonly rows: { [K in RowKind]: Map<string, string> } = {
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
  readonly bodies = new Map<string, string>();
  readonly satisfied = new Map<string, { job: JobKey; taskId: string }>();
  /** Batches so far. */
  commits = 0;

  all<K extends RowKind>(kind: K): Rows[K]['row'][] {
    return [...this.rows[kind].values()].map((text) => JSON.parse(text) as Rows[K]['row']);
  }

  get<K extends RowKind>(kind: K, key: string): Rows[K]['row'] | undefined {
    const text = this.rows[kind].get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Rows[K]['row']);
  }

  load(): Promise<Snapshot> {
    const tasks = this.#open();
    return Promise.resolve({
      accounts: this.all('account'),
      certificates: this.all('certificate'),
      applications: this.all('application'),
      applicationPackages: this.all('applicationPackage'),
      images: this.all('image'),
      hypervisors: this.all('hypervisor'),
      pools: this.all('pool'),
      nodes: this.all('node'),
      jobs: this.all('job'),
      jobNodes: this.all('jobNode'),
      jobSchedules: this.all('jobSchedule'),
      taskFactories: this.all('taskFactory'),
      sampleWindows: this.all('sampleWindow'),
      dependencies: tasks.flatMap(({ key }) => {
        const { dependsOn } = this.#body(key);
        return dependsOn === undefined ? [] : [{ key, dependsOn }];
      }),
      satisfied: [...this.satisfied.values()],
    });
  }

  /** Pages of three. */
  async *openTasks(): AsyncGenerator<Task[]> {
    const tasks = await Promise.resolve(this.#open());
    while (tasks.length > 0) yield tasks.splice(0, 3);
  }

  #open(): Task[] {
    return this.all('task')
      .filter((task) => task.state !== 'completed')
      .sort((a, b) => (a.job < b.job ? -1 : a.job > b.job ? 1 : a.sequence - b.sequence));
  }

  /** The whole batch at once, or nothing: as a transaction. */
  commit(batch: Batch): Promise<void> {
    this.commits += 1;
    for (const job of batch.deleteTasksOfJobs) this.#deleteTasksOf(job);
    for (const [kind, keys] of Object.entries(batch.deletes) as [RowKind, string[]][])
      for (const key of keys) {
        this.rows[kind].delete(key);
        if (kind === 'task') this.bodies.delete(key);
      }
    for (const [kind, rows] of Object.entries(batch.upserts) as [RowKind, { key: string }[]][])
      for (const row of rows) this.rows[kind].set(row.key, JSON.stringify(row));
    for (const { key, body } of batch.taskBodies) this.bodies.set(key, JSON.stringify(body));
    for (const one of batch.unsatisfied) this.satisfied.delete(this.#name(one));
    for (const one of batch.satisfied) this.satisfied.set(this.#name(one), one);
    return Promise.resolve();
  }

  readTasks(keys: readonly TaskKey[]): Promise<Task[]> {
    return Promise.resolve(
      keys.flatMap((key) => {
        const row = this.get('task', key);
        return row === undefined ? [] : [row];
      }),
    );
  }

  readTaskBodies(keys: readonly TaskKey[]): Promise<Map<TaskKey, TaskBody>> {
    const known = keys.filter((key) => this.bodies.has(key));
    return Promise.resolve(new Map(known.map((key) => [key, this.#body(key)])));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #body(key: TaskKey): TaskBody {
    return JSON.parse(this.bodies.get(key) ?? '{}') as TaskBody;
  }

  #name = ({ job, taskId }: { job: JobKey; taskId: string }) => `${job}/${taskId.toLowerCase()}`;

  #deleteTasksOf(job: JobKey): void {
    for (const table of [this.rows.task, this.bodies, this.satisfied])
      for (const key of table.keys()) if (key.startsWith(`${job}/`)) table.delete(key);
  }
}
