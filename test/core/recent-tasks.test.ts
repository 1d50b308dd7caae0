import { describe, expect, it } from 'vitest';
import { CoreDriver } from '../support/core-driver.js';

const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `t${String(from + at)}`);

/** As they are durable, the newest first. */
const recent = (driver: CoreDriver) =>
  driver.nodes('p').flatMap(({ recentTasks = [] }) => recentTasks.map(({ taskId }) => taskId));

async function ran(count: number): Promise<CoreDriver> {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: 1 });
  await driver.addJob('j');
  for (const id of ids(1, count)) {
    await driver.addTasks('j', id);
    await driver.beginTask(id);
    await driver.endTask(id);
  }
  return driver;
}

describe('the recent tasks of a node', () => {
  it('are the names of the last ten that began there, the newest first', async () => {
    const driver = await ran(12);
    expect(recent(driver)).toEqual(ids(3, 12).reverse());
    await driver.addTasks('j', 'last');
    await driver.beginTask('last');
    expect(recent(driver)).toEqual(['last', ...ids(4, 12).reverse()]);
    expect(driver.nodes('p')[0]?.recentTasks?.[0]).toEqual({ jobId: 'j', taskId: 'last' });
  });

  it('name a task once, however often it is tried', async () => {
    const driver = await ran(2);
    await driver.addTasks('j', { id: 'again', constraints: { maxTaskRetryCount: 1 } });
    await driver.endTask('again', { exitCode: 1 });
    await driver.endTask('again', { exitCode: 0 });
    expect(recent(driver)).toEqual(['again', 't2', 't1']);
  });

  it('go on where they were after a restart', async () => {
    const driver = await ran(11);
    await driver.restart();
    await driver.addTasks('j', 'after');
    await driver.endTask('after');
    expect(recent(driver)).toEqual(['after', ...ids(3, 11).reverse()]);
  });
});
