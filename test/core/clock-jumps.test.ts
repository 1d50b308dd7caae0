import { describe, expect, it } from 'vitest';
import { jobScheduleAdd } from '../../controller/commands/job-schedule/add.js';
import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const HOUR = 3_600_000;
async function running() {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: 2 });
  await driver.addJob('j');
  await driver.addTasks('j', 'a');
  await driver.beginTask('a');
  return driver;
}
const { leaseMs, leaseGraceMs } = (await CoreDriver.start()).settings;

describe('a clock that is put forward', () => {
  it('ends no lease: what runs is not given to another node', async () => {
    const driver = await running();
    const { nodeKey } = driver.holding('a');
    driver.silent = true;
    driver.wallAheadMs = HOUR;
    await driver.advance(leaseMs);
    driver.heartbeats();
    await driver.rest();
    expect(driver.holding('a')).toEqual({
      nodeKey,
      taskKey: driver.task('j', 'a')?.key,
      attempt: 1,
    });
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', attempt: 1 });
  });
  it('still lets a lease end that is not renewed', async () => {
    const driver = await running();
    driver.wallAheadMs = HOUR;
    await driver.advance(100);
    driver.silent = true;
    await driver.advance(leaseMs + leaseGraceMs + 30_000);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active' });
  });
  it('makes the job of a schedule that became due, once', async () => {
    const driver = await CoreDriver.start();
    const schedule = { cronExpression: '0 * * * *' };
    const jobSpecification = { poolInfo: { poolId: 'p' } };
    const body = JobScheduleAdd.parse({ id: 's', schedule, jobSpecification });
    await driver.do(jobScheduleAdd({ account, body }));
    driver.wallAheadMs = 5 * HOUR;
    await driver.addJob('wakes');
    await driver.advance(1000);
    expect(driver.store.all('job').map(({ id }) => id)).toEqual(['wakes', 's:job-1']);
  });
});

describe('a clock that is put back', () => {
  it('does not stop time: leases end, and new ones begin', async () => {
    const driver = await running();
    driver.wallAheadMs = -HOUR;
    await driver.advance(60_000);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', attempt: 1 });
    driver.silent = true;
    await driver.advance(2 * (leaseMs + leaseGraceMs) + 30_000);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active' });
  });

  it('while the controller was away makes nothing wait longer than from its start', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 1, resizeTimeout: 'PT5M' });
    await driver.addJob('empty', { onAllTasksComplete: 'terminatejob' });
    driver.wallAheadMs = -HOUR;
    await driver.restart();
    await driver.advance(driver.settings.emptyJobDelayMs + 1_000);
    expect(driver.job('empty')?.state).toBe('completed');
    await driver.advance(5 * 60_000);
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      resizeErrors: [{ code: 'AllocationTimedout' }],
    });
  });
});
