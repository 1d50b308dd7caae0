import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const TASKS = 200;
const KILLS = 20;
const seed = Number(process.env['BATCHYARD_CRASH_SEED'] ?? randomInt(2 ** 31));

/** mulberry32: the same moments for the same seed, as far as a machine repeats itself. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a client does whose controller may be gone: says it again until it is answered. */
async function untilAnswered<T>(
  ask: () => Promise<T>,
  fine: string[] = [],
): Promise<T | undefined> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { code, body } = error as { code?: string; body?: { code?: string } };
      if (fine.includes(body?.code ?? code ?? '')) return undefined;
      if (body?.code !== undefined && body.code !== 'ServerBusy') throw error;
      await delay(50);
    }
  }
}

describe(`a controller killed ${String(KILLS)} times during a job of ${String(TASKS)} tasks (BATCHYARD_CRASH_SEED=${String(seed)})`, () => {
  const marks = tempDirectory('crash');
  let controller: StartedController;
  let client: BatchServiceClient;
  let tasks: BatchServiceModels.CloudTask[];

  beforeAll(async () => {
    process.stderr.write(`BATCHYARD_CRASH_SEED=${String(seed)}\n`);
    mkdirSync(marks.path, { recursive: true });
    controller = await startController();
    client = batchClient(controller);
    await client.pool.add({
      id: 'pool',
      vmSize: 'standard_d1_v2',
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
      },
      targetDedicatedNodes: 2,
    });
    await client.job.add({ id: 'job', poolInfo: { poolId: 'pool' } });
    const next = generator(seed);
    // Some tasks a kill, so that there is work under way at each of them.
    for (let kill = 0; kill < KILLS; kill += 1) {
      // From "not yet connected to any agent" to "in the middle of reports".
      const moment = delay(20 + Math.floor(next() * 900)).then(() => controller.kill());
      const adding = addTasks(client, (kill * TASKS) / KILLS, ((kill + 1) * TASKS) / KILLS);
      await moment;
      await controller.restart();
      await adding;
    }
    tasks = await waitFor(
      'every task to complete',
      async () => {
        const list = await untilAnswered(() => client.task.list('job'));
        return list?.every((task) => task.state === 'completed') === true ? [...list] : undefined;
      },
      { timeoutMs: 120_000, intervalMs: 250 },
    );
  }, 400_000);

  afterAll(async () => {
    marks.remove();
    await controller.stop();
  });

  async function addTasks(to: BatchServiceClient, from: number, end: number): Promise<void> {
    for (let at = from; at < end; at += 1) {
      const id = `task-${String(at)}`;
      const file = join(marks.path, id);
      // One line an attempt, and longer than a moment, so that kills meet running tasks.
      const commandLine = `/bin/sh -c 'echo started >> ${file}; sleep 0.${String(at % 3)}; echo ended >> ${file}'`;
      await untilAnswered(() => to.task.add('job', { id, commandLine }), ['TaskExists']);
    }
  }

  it('ends with every task that it acknowledged, each a success', () => {
    expect(tasks).toHaveLength(TASKS);
    expect(tasks.map((task) => task.executionInfo?.exitCode)).toEqual(tasks.map(() => 0));
    expect(tasks.every((task) => task.executionInfo?.result === 'success')).toBe(true);
  });

  it('ran every task exactly once, since both agents were alive all the time', () => {
    const runs = tasks.map((task) => readFileSync(join(marks.path, String(task.id)), 'utf8'));
    expect(runs).toEqual(tasks.map(() => 'started\nended\n'));
    expect(tasks.map((task) => task.executionInfo?.requeueCount)).toEqual(tasks.map(() => 0));
  });

  it('recorded every completion once', async () => {
    const counts = await client.job.getTaskCounts('job');
    expect(counts.taskCounts).toMatchObject({
      active: 0,
      running: 0,
      completed: TASKS,
      succeeded: TASKS,
      failed: 0,
    });
    const nodes = await client.computeNode.list('pool');
    expect(nodes.reduce((sum, node) => sum + (node.totalTasksSucceeded ?? 0), 0)).toBe(TASKS);
    expect(nodes).toHaveLength(2);
  });

  it('leaves nothing behind once its pool is deleted', async () => {
    await client.job.deleteMethod('job');
    await client.pool.deleteMethod('pool');
    await waitFor('the pool to be gone', async () => {
      const pools = await client.pool.list();
      return pools.length === 0;
    });
    await controller.stop();
  });
});
