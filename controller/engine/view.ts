import { imported } from '../core/image/offered.js';
import type { PoolKey, TaskKey } from '../../protocol/keys.js';
import { resolvePackage } from '../core/application/resolve.js';
import type { State } from '../core/state.js';
import type { StateView, TaskBody } from './ports.js';

/** Bodies of tasks just added, for executors that dispatch them right away. */
const BODIES_MAXIMUM = 20_000;

export class BodyCache {
  readonly #bodies = new Map<TaskKey, TaskBody>();

  add(bodies: ReadonlyMap<TaskKey, TaskBody>): void {
    for (const [key, body] of bodies) {
      this.#bodies.delete(key);
      this.#bodies.set(key, body);
    }
    if (this.#bodies.size <= BODIES_MAXIMUM) return;
    for (const key of this.#bodies.keys()) {
      if (this.#bodies.size <= BODIES_MAXIMUM) return;
      this.#bodies.delete(key);
    }
  }

  get(key: TaskKey): TaskBody | undefined {
    return this.#bodies.get(key);
  }

  delete(key: TaskKey): void {
    this.#bodies.delete(key);
  }
}

/** The view of memory that executors and authentication get. */
export const viewOf = (state: State, bodies: BodyCache): StateView => ({
  accounts: state.accounts,
  certificates: state.certificates,
  applications: state.applications,
  applicationPackages: state.applicationPackages,
  images: state.images,
  importedImages: () => imported(state),
  pools: state.pools,
  nodes: state.nodes,
  jobs: state.jobs,
  applicationPackage: (account, reference) => resolvePackage(state, account, reference),
  nodesOfPool: (pool: PoolKey) => state.nodesOfPool.get(pool) ?? [],
  jobNode: (job, node) => state.jobWork.get(job)?.nodes.get(node),
  task: (key) => state.lookAtTask(key),
  taskBody: (key) => bodies.get(key),
});
