import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobOrder } from '../../controller/core/scheduler/job-order.js';
import { NodeList } from '../../controller/core/scheduler/node-list.js';
import { ReadyQueue } from '../../controller/core/scheduler/ready-queue.js';
import { CoreDriver } from '../support/core-driver.js';

/** What placement looked at: counted, as times would depend on the machine. */
const looks = { jobs: 0, tasks: 0, nodes: 0 };

beforeEach(() => {
  const { pass } = JobOrder.prototype;
  vi.spyOn(JobOrder.prototype, 'pass').mockImplementation(function (this: JobOrder, place) {
    pass.call(this, (work) => {
      looks.jobs += 1;
      return place(work);
    });
  });
  const { peek } = ReadyQueue.prototype;
  vi.spyOn(ReadyQueue.prototype, 'peek').mockImplementation(function (this: ReadyQueue, counts) {
    return peek.call(this, (task) => {
      looks.tasks += 1;
      return counts(task);
    });
  });
  const { find } = NodeList.prototype;
  vi.spyOn(NodeList.prototype, 'find').mockImplementation(function (this: NodeList, suits) {
    return find.call(this, (load) => {
      looks.nodes += 1;
      return suits(load);
    });
  });
});
afterEach(() => vi.restoreAllMocks());

async function looksOf(work: () => unknown): Promise<typeof looks> {
  Object.assign(looks, { jobs: 0, tasks: 0, nodes: 0 });
  await work();
  return { ...looks };
}

/** Nodes of one slot that all run a task, and tasks that wait in some jobs. */
async function busyPool({ nodes, waiting, jobs = 1 }: Record<string, number>) {
  const driver = await CoreDriver.start();
  driver.checks = false; // they look at everything
  await driver.addPool('p', { targetDedicatedNodes: nodes });
  for (let job = 0; job < jobs; job += 1) {
    await driver.addJob(`j${job}`);
    const first = job === 0 ? (nodes ?? 0) : 0;
    const ids = Array.from({ length: first + (waiting ?? 0) }, (_, at) => `t${at}`);
    for (let at = 0; at < ids.length; at += 100)
      await driver.addTasks(`j${job}`, ...ids.slice(at, at + 100));
  }
  for (const { nodeKey, taskKey, attempt } of driver.held)
    driver.begin(nodeKey, { taskKey, attempt });
  await driver.rest();
  return driver;
}

/** One long task ends, and another takes its place. */
const endOne = (driver: CoreDriver) => async () => {
  const { nodeKey, taskKey, attempt } = driver.holding('t0');
  driver.end(nodeKey, { taskKey, attempt }, { startTime: driver.now - 60_000, exitCode: 0 });
  await driver.rest();
};

describe('the cost of placement', () => {
  it('is the same for one task that ends whether 100 others wait or 20,000', async () => {
    const few = await looksOf(endOne(await busyPool({ nodes: 4, waiting: 100 })));
    const many = await looksOf(endOne(await busyPool({ nodes: 4, waiting: 20_000 })));
    expect(few.tasks).toBeGreaterThan(0);
    expect(many).toEqual(few);
  });

  it('is the same with 4 busy nodes and with 2,000', async () => {
    const few = await looksOf(endOne(await busyPool({ nodes: 4, waiting: 10 })));
    const many = await looksOf(endOne(await busyPool({ nodes: 2_000, waiting: 10 })));
    expect(few.nodes).toBeGreaterThan(0);
    expect(many).toEqual(few);
  });

  it('is the same with 4 busy nodes and with 2,000 for tasks given in advance', async () => {
    const costs = [];
    for (const nodes of [4, 2_000]) {
      const driver = await busyPool({ nodes, waiting: 10 });
      const { nodeKey, taskKey, attempt } = driver.holding('t0');
      // Short: the rest of its job goes to its node in advance, as the others have long ones.
      costs.push(
        await looksOf(async () => {
          driver.end(nodeKey, { taskKey, attempt }, { startTime: driver.now + 1, exitCode: 0 });
          await driver.rest();
        }),
      );
      expect(driver.held.filter((one) => one.nodeKey === nodeKey).length).toBe(10);
    }
    expect(costs[1]).toEqual(costs[0]);
  });

  it('grows with what a pass places, no faster', async () => {
    const looked = [];
    for (const nodes of [10, 100]) {
      const driver = await CoreDriver.start();
      await driver.addPool('p', { targetDedicatedNodes: nodes });
      await driver.addJob('j');
      const ids = Array.from({ length: 100 }, (_, at) => `t${at}`);
      looked.push(await looksOf(() => driver.addTasks('j', ...ids)));
      expect(driver.held.length).toBe(nodes);
    }
    expect(looked[0]?.nodes).toBe(10);
    expect(looked[1]?.nodes).toBe(100);
  });

  it('asks a limited number of jobs of a full pool, however many wait', async () => {
    const driver = await busyPool({ nodes: 1, waiting: 1, jobs: 600 });
    const { jobs } = await looksOf(endOne(driver));
    expect(jobs).toBeGreaterThan(1);
    expect(jobs).toBeLessThanOrEqual(1 + 257);
  });

  it('is nothing in a tick in which nothing happened, nor at heartbeats; neither is written', async () => {
    const driver = await busyPool({ nodes: 50, waiting: 100 });
    driver.heartbeats();
    await driver.rest(); // the first after a start may say more
    const commit = vi.spyOn(driver.store, 'commit');
    const looked = await looksOf(async () => {
      driver.engine.report({ type: 'clockReached' });
      await driver.rest();
      driver.heartbeats();
      await driver.rest();
    });
    expect(looked).toEqual({ jobs: 0, tasks: 0, nodes: 0 });
    expect(commit).not.toHaveBeenCalled();
  });
});
