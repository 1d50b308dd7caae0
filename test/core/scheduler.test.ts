import { describe, expect, it } from 'vitest';
import { jobPatch } from '../../controller/commands/job/patch.js';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { prefetchOfEach } from '../../controller/core/scheduler/fit.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

async function withNodes(nodes: number, properties: Record<string, unknown> = {}) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: nodes, ...properties });
  return driver;
}
const names = (driver: CoreDriver) => driver.held.map((one) => one.taskId).sort();

describe('the scheduler', () => {
  it('takes tasks of a job first in, first out, and a retried one first', async () => {
    const driver = await withNodes(1);
    await driver.addJob('j', { constraints: { maxTaskRetryCount: 1 } });
    await driver.addTasks('j', 'a', 'b', 'c');
    const order: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const id = names(driver)[0] ?? '';
      order.push(id);
      await driver.endTask(id, {
        startTime: driver.now - 5000,
        exitCode: order.length === 1 ? 1 : 0,
      });
    }
    expect(order).toEqual(['a', 'a', 'b', 'c']);
  });

  it('takes the job of higher priority first, and jobs of equal priority in turn', async () => {
    const driver = await withNodes(0);
    await driver.addJob('low1', { priority: 1 });
    await driver.addJob('low2', { priority: 1 });
    await driver.addJob('high', { priority: 2 });
    await driver.addTasks('low1', 'x1', 'x2', 'x3');
    await driver.addTasks('low2', 'y1', 'y2', 'y3');
    await driver.addTasks('high', 'h1');
    await driver.addPool('q');
    const { poolResize } = await import('../../controller/commands/pool/resize.js');
    await driver.do(
      poolResize({
        account: ACCOUNT,
        poolId: 'p',
        body: {
          targetDedicatedNodes: 5,
          resizeTimeout: 'PT15M',
          nodeDeallocationOption: 'requeue',
        },
      }),
    );
    await driver.advance(10);
    expect(names(driver)).toEqual(['h1', 'x1', 'x2', 'y1', 'y2']);
  });

  it('spreads tasks over nodes, or packs them', async () => {
    const spread = await withNodes(2, { taskSlotsPerNode: 2 });
    await spread.addJob('j');
    await spread.addTasks('j', 'a', 'b');
    expect(new Set(spread.held.map((one) => one.nodeKey)).size).toBe(2);
    const pack = await withNodes(2, {
      taskSlotsPerNode: 2,
      taskSchedulingPolicy: { nodeFillType: 'pack' },
    });
    await pack.addJob('j');
    await pack.addTasks('j', 'a', 'b');
    expect(new Set(pack.held.map((one) => one.nodeKey)).size).toBe(1);
  });

  it('gives a task the slots it needs, does not let small ones starve it, and passes one that can never fit', async () => {
    const driver = await withNodes(1, { taskSlotsPerNode: 4 });
    await driver.addJob('j');
    await driver.addJob('other', { priority: -1 });
    await driver.addTasks(
      'j',
      { id: 'never', requiredSlots: 5 },
      'a',
      { id: 'big', requiredSlots: 4 },
      'b',
    );
    await driver.addTasks('other', 'small');
    expect(names(driver)).toEqual(['a']);
    await driver.endTask('a', { startTime: driver.now - 5000 });
    expect(names(driver)).toEqual(['big']);
    await driver.endTask('big', { startTime: driver.now - 5000 });
    expect(names(driver)).toEqual(['b', 'small']);
  });

  it('keeps to maxParallelTasks', async () => {
    const driver = await withNodes(3);
    await driver.addJob('j', { maxParallelTasks: 2 });
    await driver.addTasks('j', 'a', 'b', 'c');
    expect(names(driver)).toEqual(['a', 'b']);
    await driver.endTask('a', { startTime: driver.now - 5000 });
    expect(names(driver)).toEqual(['b', 'c']);
    await driver.do(jobPatch({ account: ACCOUNT, jobId: 'j', body: { maxParallelTasks: -1 } }));
  });

  it('gives nodes attempts in advance once a job’s tasks proved short, and takes back what waited', async () => {
    const driver = await withNodes(1);
    await driver.addJob('j');
    await driver.addTasks('j', ...Array.from({ length: 50 }, (_, n) => `t${n}`));
    expect(driver.held).toHaveLength(1);
    await driver.endTask('t0', { startTime: driver.now, endTime: driver.now + 10 });
    expect(driver.held).toHaveLength(21);
    expect(driver.job('j')?.taskCounts).toMatchObject({ active: 49, running: 0, completed: 1 });
    const { nodeKey, ...last } = driver.holding('t20');
    driver.boots.get(nodeKey)?.held.delete(`${last.taskKey}#${last.attempt}`);
    driver.say(nodeKey, { type: 'attemptReturned', ...last });
    await driver.rest();
    expect(driver.task('j', 't20')).toMatchObject({
      state: 'active',
      attempt: 1,
      execution: { retryCount: 0, requeueCount: 0 },
    });
    expect(driver.task('j', 't20')?.phase).toBeUndefined();
  });

  it('gives each of many nodes less in advance: together they get what a controller can commit', () => {
    const ofShortTasks = [1, 100, 1_000, 10_000, 30_000].map((nodes) => prefetchOfEach(1, nodes));
    expect(ofShortTasks).toEqual([64, 64, 20, 2, 0]);
    expect(prefetchOfEach(10, 1)).toBe(20);
    expect(prefetchOfEach(undefined, 1)).toBe(0);
  });

  it('places what the pool could not hold once a pool of the same name has the slots', async () => {
    const driver = await withNodes(1, { taskSlotsPerNode: 1 });
    await driver.addJob('j', { poolInfo: { poolId: 'p' } });
    await driver.addTasks('j', { id: 'wide', requiredSlots: 2 }, 'narrow');
    expect(names(driver)).toEqual(['narrow']);
    await driver.endTask('narrow');
    await driver.do(poolDelete({ account: ACCOUNT, poolId: 'p' }));
    await driver.advance(1000);
    await driver.addPool('p', { targetDedicatedNodes: 1, taskSlotsPerNode: 2 });
    expect(names(driver)).toEqual(['wide']);
  });
});
