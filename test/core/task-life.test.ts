import { describe, expect, it } from 'vitest';
import { CoreDriver } from '../support/core-driver.js';

const DAY = 86_400_000;
const MINUTE = 60_000;
const TOO_OLD = {
  state: 'completed',
  execution: {
    result: 'failure',
    failureInfo: {
      category: 'usererror',
      code: 'TaskEnded',
      message: expect.stringContaining('180 days') as unknown,
    },
  },
};

describe('a task that is not completed within 180 days after it was added', () => {
  it('is ended while it waits, over a restart, and those that are younger are not', async () => {
    const driver = await CoreDriver.start();
    await driver.addJob('j');
    await driver.addTasks('j', 'old');
    await driver.advance(DAY);
    await driver.addTasks('j', 'young');
    await driver.advance(179 * DAY - MINUTE);
    expect(driver.task('j', 'old')).toMatchObject({ state: 'active' });
    await driver.restart();
    await driver.advance(2 * MINUTE);
    expect(driver.task('j', 'old')).toMatchObject(TOO_OLD);
    expect(driver.task('j', 'young')).toMatchObject({ state: 'active' });
    expect(driver.job('j')?.taskCounts).toMatchObject({ active: 1, failed: 1 });
    await driver.advance(DAY);
    expect(driver.task('j', 'young')).toMatchObject(TOO_OLD);
  });

  it('is killed while it runs', async () => {
    const driver = await CoreDriver.start();
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.advance(180 * DAY - MINUTE);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.beginTask('a');
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running' });
    await driver.advance(2 * MINUTE);
    expect(driver.task('j', 'a')).toMatchObject(TOO_OLD);
    expect(driver.held).toEqual([]);
  });
});
