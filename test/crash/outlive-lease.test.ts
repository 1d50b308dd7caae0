import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchServiceModels } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const TASKS = 200;
const OUTAGES = 4;
const LEASE_MS = 800;
/** Longer than the lease, so that every agent loses its own. */
const OUTAGE_MS = 2_000;
const POOL = 'pool';
const JOB = 'job';

/**
 * The controller is dead for longer than the leases it gave: agents must stop what runs and start nothing,
 * and the tasks run again afterwards. The times are the node's and the test's, which share one clock.
 */
describe('a controller that stays dead for longer than the lease', () => {
  const marks = tempDirectory('lease');
  const outages: { killed: number; restarted: number }[] = [];
  let controller: StartedController;
  let tasks: BatchServiceModels.CloudTask[];

  beforeAll(async () => {
    mkdirSync(marks.path, { recursive: true });
    controller = await startController({
      configuration: {
        leases: { heartbeatInterval: 'PT0.2S', lease: `PT${LEASE_MS / 1000}S`, grace: 'PT0.4S' },
      },
    });
    const client = batchClient(controller);
    await client.pool.add({
      id: POOL,
      vmSize: 'standard_d1_v2',
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
      },
      targetDedicatedNodes: 2,
    });
    await client.job.add({ id: JOB, poolInfo: { poolId: POOL } });
    for (let from = 0; from < TASKS; from += 100)
      await client.task.addCollection(
        JOB,
        Array.from({ length: 100 }, (_, index) => ({
          id: `task-${from + index}`,
          // One line an attempt: when it began, and when it ended by itself.
          commandLine: `/bin/sh -c 'f=${marks.path}/task-${from + index}; b=$(date +%s%3N); echo $b began >> $f; sleep 0.1; echo $b ended >> $f'`,
        })),
      );
    for (let outage = 0; outage < OUTAGES; outage += 1) {
      const before = (await client.job.getTaskCounts(JOB)).taskCounts.completed;
      await waitFor('some more tasks to complete', async () => {
        const { taskCounts } = await client.job.getTaskCounts(JOB);
        return taskCounts.completed >= before + 10;
      });
      const killed = Date.now();
      await controller.kill();
      await delay(OUTAGE_MS);
      outages.push({ killed, restarted: Date.now() });
      await controller.restart();
    }
    tasks = await waitFor(
      'every task to complete',
      async () => {
        const list = await client.task.list(JOB);
        return list.every(({ state }) => state === 'completed') ? [...list] : undefined;
      },
      { timeoutMs: 120_000, intervalMs: 250 },
    );
  }, 240_000);

  afterAll(async () => {
    marks.remove();
    await controller.stop();
  });

  const begun = () =>
    readdirSync(marks.path).flatMap((file) =>
      [...readFileSync(join(marks.path, file), 'utf8').matchAll(/^(\d+) began$/gm)].map(
        ([, time]) => Number(time),
      ),
    );

  it('ends with every task a success', () => {
    expect(tasks).toHaveLength(TASKS);
    expect(tasks.filter(({ executionInfo }) => executionInfo?.result !== 'success')).toEqual([]);
  });

  it('saw no attempt begin between the end of the last lease and the restart', () => {
    const without = begun().filter((time) =>
      outages.some(({ killed, restarted }) => time > killed + LEASE_MS && time < restarted),
    );
    expect(outages).toHaveLength(OUTAGES);
    expect(without).toEqual([]);
  });

  it('counts no attempt that a lost lease ended against its task', () => {
    const counted = tasks.filter(
      ({ executionInfo }) => executionInfo?.retryCount !== 0 || executionInfo.requeueCount !== 0,
    );
    expect(counted).toEqual([]);
  });
});
