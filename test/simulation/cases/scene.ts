import { batchAccountCreate } from '../../../controller/commands/batch-account/create.js';
import { jobAdd } from '../../../controller/commands/job/add.js';
import { poolAdd } from '../../../controller/commands/pool/add.js';
import { taskAdd } from '../../../controller/commands/task/add.js';
import type { Node } from '../../../controller/core/node/state.js';
import type { Task } from '../../../controller/core/task/state.js';
import type { Command } from '../../../controller/engine/command.js';
import { JobAdd } from '../../../protocol/batch/job.js';
import { PoolAdd } from '../../../protocol/batch/pool.js';
import { TaskAdd } from '../../../protocol/batch/task.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { SimulatedAgent } from '../agents.js';
import { calmFaults, optionsOf } from '../options.js';
import { commandLineOf } from '../program.js';
import { ACCOUNT } from '../workload.js';
import { World } from '../world.js';

/** A world in which nothing happens but what a case makes happen; all checkers look on. */
export class Scene {
  readonly world = new World({ ...optionsOf(1), faults: calmFaults() });

  /** A controller with an account, a pool `pool` of so many idle nodes, and a job `job`. */
  static async open(nodes: number): Promise<Scene> {
    const scene = new Scene();
    scene.world.start();
    await scene.until(() => scene.world.controller.up);
    await scene.do(
      batchAccountCreate({
        name: 'simulated',
        subscriptionId: '00000000-0000-0000-0000-000000000000',
        resourceGroup: 'simulated',
        location: 'here',
        sealedKeys: { primary: 'p', secondary: 's' },
      }),
    );
    await scene.do(poolAdd({ account: ACCOUNT, body: poolOf(nodes) }));
    await scene.do(
      jobAdd({
        account: ACCOUNT,
        body: JobAdd.parse({ id: 'job', poolInfo: { poolId: 'pool' } }),
      }),
    );
    await scene.until(
      () => scene.nodes.length === nodes && scene.nodes.every(({ state }) => state === 'idle'),
    );
    return scene;
  }

  /** Sends a command to a controller that is up and waits for its answer. */
  async do<T>(command: Command<T>): Promise<T> {
    let answer: { reply: T } | { error: unknown } | undefined;
    const sent = this.world.controller.submit(command)?.then(
      (reply) => (answer = { reply }),
      (error: unknown) => (answer = { error }),
    );
    if (sent === undefined) throw new Error(`${command.name}: the controller is not up`);
    await this.until(() => answer !== undefined);
    if (answer === undefined || 'error' in answer) throw answer?.error;
    return answer.reply;
  }

  addTask(id: string, ms: number): Command<unknown> {
    const commandLine = commandLineOf({
      ...{ ms, exitCode: 0, fails: 0, unprepared: false, stubborn: false },
    });
    return taskAdd({
      account: ACCOUNT,
      jobId: 'job',
      body: TaskAdd.parse({ id, commandLine }),
    });
  }

  /** Lets time pass until it is so. */
  async until(condition: () => boolean, withinMs = 600_000): Promise<void> {
    if (!(await this.world.waitFor(condition, withinMs, 10)))
      throw new Error(`not within ${withinMs} ms: ${condition.toString()}`);
  }

  async pass(ms: number): Promise<void> {
    await this.world.runUntil(this.world.now + ms);
  }

  get nodes(): Omit<Node, 'session'>[] {
    return [...this.world.committed.tables.node.values()];
  }

  task(id: string): Task | undefined {
    return this.world.committed.tables.task.get(taskKey(jobKey(ACCOUNT, 'job'), id));
  }

  /** The agent on whose node the task runs. */
  agentOf(id: string): SimulatedAgent {
    const running = [...this.world.running].find((one) => one.taskKey.endsWith(`/${id}`));
    const agent = [...this.world.hypervisor.agents].find((one) => one === running?.agent);
    if (agent === undefined) throw new Error(`task ${id} runs nowhere`);
    return agent;
  }
}

const poolOf = (nodes: number) =>
  PoolAdd.parse({
    id: 'pool',
    vmSize: 'standard_d1_v2',
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
      nodeAgentSKUId: 'batch.node.process',
    },
    targetDedicatedNodes: nodes,
  });
