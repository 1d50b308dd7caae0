import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchAccountCreate } from '../../controller/commands/batch-account/create.js';
import { jobAdd } from '../../controller/commands/job/add.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { poolAdd } from '../../controller/commands/pool/add.js';
import { taskAddCollection } from '../../controller/commands/task/add-collection.js';
import type { Effect } from '../../controller/core/effect.js';
import { DEFAULT_TIMES, type Settings } from '../../controller/core/settings.js';
import { systemClock, systemRandom } from '../../controller/effects/system-clock.js';
import { createEngine, type Engine } from '../../controller/engine/engine.js';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { JobAdd } from '../../protocol/batch/job.js';
import { PoolAdd } from '../../protocol/batch/pool.js';
import { TaskAdd } from '../../protocol/batch/task.js';
import { accountKey, jobKey, type NodeKey, type PoolKey } from '../../protocol/keys.js';

export const ACCOUNT = accountKey('bench');
const POOL = 'nodes';

export const SETTINGS: Settings = {
  ...DEFAULT_TIMES,
  images: [
    {
      ...{ publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
      ...{ nodeAgentSkuId: 'batch.node.process', osType: 'linux' },
      ...{ verificationType: 'verified', nodeProvider: 'process' },
    },
  ],
  vmSizes: [{ name: 'small', vcpus: 4, memoryMiB: 1024, diskGiB: 10 }],
};

/** Who stands for the agents: told of each node that exists, and of every effect that concerns one. */
export interface Agents {
  begin(engine: Engine, nodeKey: NodeKey, incarnation: number): void;
  perform(effect: Effect): void;
  close(): Promise<void>;
}

/** The real engine and store in this process; nodes exist as soon as they are wanted. */
export class World {
  readonly #made = new Set<NodeKey>();
  readonly #engine: Engine;

  private constructor(
    readonly folder: string,
    readonly store: SqliteStore,
    readonly agents: Agents,
  ) {
    this.#engine = this.#create();
  }

  static async open(agents: Agents): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'batchyard-bench-'));
    const world = new World(folder, await SqliteStore.open(folder), agents);
    await world.engine.start();
    await world.engine.submit(
      batchAccountCreate({
        name: 'bench',
        subscriptionId: 's',
        resourceGroup: 'g',
        location: 'here',
        sealedKeys: { primary: 'p', secondary: 's' },
      }),
    );
    return world;
  }

  get engine(): Engine {
    return this.#engine;
  }

  /** Ends engine and store; the folder stays until `close`. */
  async stop(): Promise<void> {
    await this.#engine.stop();
    await this.store.close();
  }

  /** An engine on a folder that another left; answers with the seconds until it takes commands. */
  static async restart(folder: string, agents: Agents): Promise<number> {
    const began = performance.now();
    const world = new World(folder, await SqliteStore.open(folder), agents);
    await world.engine.start();
    return (performance.now() - began) / 1000;
  }

  async close(): Promise<void> {
    await this.agents.close();
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** A pool whose nodes are all idle when this resolves. */
  async addPool(nodes: number, taskSlotsPerNode = 1): Promise<void> {
    const body = PoolAdd.parse({
      ...{ id: POOL, vmSize: 'small', targetDedicatedNodes: nodes, taskSlotsPerNode },
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
      },
    });
    await this.engine.submit(poolAdd({ account: ACCOUNT, body }));
    await until(() => {
      const idle = [...this.engine.view.nodes.values()].filter(({ state }) => state === 'idle');
      return idle.length === nodes;
    });
  }

  /** A job that starts nothing yet, with tasks added 100 a call. */
  async addWaitingJob(id: string, tasks: number): Promise<void> {
    const body = JobAdd.parse({ id, poolInfo: { poolId: POOL } });
    await this.engine.submit(jobAdd({ account: ACCOUNT, body }));
    await this.pause(id);
    for (let from = 0; from < tasks; from += 2_000) {
      const calls = [];
      for (let call = from; call < Math.min(from + 2_000, tasks); call += 100) {
        const value = Array.from({ length: Math.min(100, tasks - call) }, (_, at) =>
          TaskAdd.parse({ id: `t${call + at}`, commandLine: '/bin/true' }),
        );
        calls.push(
          this.engine.submit(taskAddCollection({ account: ACCOUNT, jobId: id, body: { value } })),
        );
      }
      await Promise.all(calls);
    }
  }

  /** Lets the job go and answers with the seconds until so many results can be read from the store. */
  async drain(id: string, completed: number): Promise<number> {
    const before = (await this.completed(id)) ?? 0;
    const began = performance.now();
    await this.engine.submit(jobEnable({ account: ACCOUNT, jobId: id }));
    for (;;) {
      if (((await this.completed(id)) ?? 0) - before >= completed) break;
      await pause(10);
    }
    return (performance.now() - began) / 1000;
  }

  /** Stops the job again. */
  async pause(id: string): Promise<void> {
    const body = { disableTasks: 'requeue' as const };
    await this.engine.submit(jobDisable({ account: ACCOUNT, jobId: id, body }));
  }

  async completed(id: string): Promise<number | undefined> {
    return (await this.store.get('job', jobKey(ACCOUNT, id)))?.taskCounts.succeeded;
  }

  #create(): Engine {
    return createEngine({
      store: this.store,
      clock: systemClock,
      random: systemRandom,
      settings: SETTINGS,
      effects: {
        perform: (effects) => {
          for (const effect of effects)
            if (effect.type === 'reconcilePool') this.#reconcile(effect.poolKey);
            else this.agents.perform(effect);
        },
      },
      onFatal: (error) => {
        console.error(error);
        process.exit(70);
      },
    });
  }

  #reconcile(pool: PoolKey): void {
    for (const { key, incarnation } of this.engine.view.nodesOfPool(pool)) {
      if (this.#made.has(key)) continue;
      this.#made.add(key);
      this.engine.report({ type: 'nodeProvisioned', nodeKey: key, incarnation });
      this.agents.begin(this.engine, key, incarnation);
    }
  }
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(20);
}
