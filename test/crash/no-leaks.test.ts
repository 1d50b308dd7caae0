import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL } from '../support/process-pool.js';
import { processesOf, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const KILLS = 10;
const POOLS = ['a', 'b', 'c'];

/** A request whose controller may be gone, or whose pool may be in the middle of something: as it comes. */
const attempt = (request: () => Promise<unknown>) => request().catch(() => undefined);

describe(`a controller killed ${String(KILLS)} times in the middle of creates and deletes`, () => {
  let controller: StartedController;
  let client: BatchServiceClient;
  /** By their command line, `PROGRAM … --seed FILE`: the survivor's begins with its interpreter. */
  const startedBy = (program: string) =>
    processesOf(controller.dataDirectory).filter((pid) => {
      const [file = '', ...args] = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0');
      return basename(file) === program && args.includes('--seed');
    });
  const agents = () => startedBy(basename(process.execPath));
  const survivors = () => startedBy('perl');
  const nodeFolders = () => {
    const nodes = join(controller.dataDirectory, 'nodes');
    return existsSync(nodes)
      ? readdirSync(nodes, { recursive: true, encoding: 'utf8' }).filter((name) =>
          /^[^/]+\/[^/]+\/[^/]+$/.test(name),
        )
      : [];
  };

  beforeAll(async () => {
    controller = await startController();
    client = batchClient(controller);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const id = POOLS[kill % POOLS.length] ?? 'a';
      // One pool comes, one changes its size, one goes, so that every kill meets all of it.
      const work = [
        attempt(() => client.pool.add({ ...PROCESS_POOL, id, targetDedicatedNodes: 2 })),
        attempt(() =>
          client.pool.resize(POOLS[(kill + 1) % POOLS.length] ?? 'a', {
            targetDedicatedNodes: kill % 3,
          }),
        ),
        attempt(() => client.pool.deleteMethod(POOLS[(kill + 2) % POOLS.length] ?? 'a')),
      ];
      await delay(randomInt(400));
      await controller.kill();
      await Promise.all(work);
      await controller.restart();
    }
  }, 120_000);
  afterAll(() => controller.stop());

  it('has one agent for each of its nodes, and no others', async () => {
    await waitFor('every pool to come to rest', async () => {
      const pools = await client.pool.list();
      if (pools.some(({ state }) => state === 'deleting')) return false;
      for (const { id, allocationState } of pools) {
        const nodes = await client.computeNode.list(id ?? '');
        if (allocationState !== 'steady' || nodes.some(({ state }) => state !== 'idle'))
          return false;
      }
      return true;
    });
    const pools = await client.pool.list();
    const counts = pools.map(({ currentDedicatedNodes = 0 }) => currentDedicatedNodes);
    const nodes = counts.reduce((sum, count) => sum + count, 0);
    await waitFor('as many agents as nodes', () => agents().length === nodes);
    await waitFor('as many survivors', () => survivors().length === nodes);
    // Each has its folder and one beside it.
    expect(nodeFolders()).toHaveLength(2 * nodes);
  });

  it('has none once its pools are deleted', async () => {
    for (const id of POOLS) await attempt(() => client.pool.deleteMethod(id));
    await waitFor('the pools to be gone', async () => (await client.pool.list()).length === 0);
    await waitFor('no process of a node', () => agents().length + survivors().length === 0);
    expect(nodeFolders()).toEqual([]);
  });
});
