import { describe, expect, it } from 'vitest';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobScheduleAdd } from '../../controller/commands/job-schedule/add.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskExplain } from '../../controller/commands/task/explain.js';
import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const held = (driver: CoreDriver) => driver.held.map(({ taskId }) => taskId).sort();
const after = (id: string, ...taskIds: string[]) => ({ id, dependsOn: { taskIds } });
const inRange = (id: string, start: number, end: number) => ({
  id,
  dependsOn: { taskIdRanges: [{ start, end }] },
});

async function withJob(nodes = 3, job: Record<string, unknown> = {}) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: nodes });
  await driver.addJob('j', { usesTaskDependencies: true, ...job });
  return driver;
}
const codesOf = async (driver: CoreDriver, taskId: string) =>
  (await driver.do(taskExplain({ account, jobId: 'j', taskId }))).reasons.map(({ code }) => code);

describe('dependencies', () => {
  it('that run in a circle keep their tasks active for ever, and nobody else', async () => {
    const driver = await withJob(3, { onAllTasksComplete: 'terminatejob' });
    await driver.addTasks('j', after('a', 'b'), after('b', 'a'), after('self', 'self'), 'free');
    await driver.endTask('free');
    await driver.advance(HOUR);
    expect(held(driver)).toEqual([]);
    for (const id of ['a', 'b', 'self']) {
      expect(driver.task('j', id)?.state).toBe('active');
      expect(await codesOf(driver, id)).toEqual(['DependencyWaiting']);
    }
    // It waits for all its tasks, and these never complete.
    expect(driver.job('j')?.state).toBe('active');
  });

  it('on an id that nobody added are waited for until somebody adds it', async () => {
    const driver = await withJob();
    await driver.addTasks('j', after('b', 'a'));
    await driver.advance(HOUR);
    expect(held(driver)).toEqual([]);
    await driver.addTasks('j', 'A');
    await driver.endTask('a');
    expect(held(driver)).toEqual(['b']);
  });

  it('on a range take any writing of a number, and want every number of it', async () => {
    const driver = await withJob();
    await driver.addTasks('j', inRange('sum', 3, 5), '003', '4', '3x');
    for (const id of ['003', '4', '3x']) await driver.endTask(id);
    expect(held(driver)).toEqual([]);
    await driver.addTasks('j', '05');
    await driver.endTask('05');
    expect(held(driver)).toEqual(['sum']);
  });

  it('are remembered by id: a parent that completed once satisfies what is added after its deletion', async () => {
    const driver = await withJob();
    await driver.addTasks('j', 'a');
    await driver.endTask('a');
    await driver.do(taskDelete({ account, jobId: 'j', taskId: 'a' }));
    await driver.restart();
    await driver.addTasks('j', after('b', 'a'));
    await driver.advance(10);
    expect(held(driver)).toEqual(['b']);
  });
});

describe('requeueCount', () => {
  it('counts what users ask for, and neither it nor a retry a node that is lost', async () => {
    const driver = await withJob(1);
    const counts = () => {
      const { requeueCount, retryCount } = driver.task('j', 'a')?.execution ?? {};
      return { requeueCount, retryCount };
    };
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    const { nodeKey } = driver.holding('a');
    driver.boots.delete(nodeKey);
    driver.engine.report({ type: 'nodeGone', nodeKey, incarnation: 1 });
    await driver.advance(10 * MINUTE);
    expect(driver.task('j', 'a')).toMatchObject({ attempt: 2 });
    expect(counts()).toEqual({ requeueCount: 0, retryCount: 0 });
    await driver.beginTask('a');
    const body = PoolResize.parse({ targetDedicatedNodes: 0 });
    await driver.do(poolResize({ account, poolId: 'p', body }));
    await driver.advance(MINUTE);
    expect(driver.nodes('p')).toEqual([]);
    expect(driver.task('j', 'a')?.state).toBe('active');
    expect(counts()).toEqual({ requeueCount: 1, retryCount: 0 });
    const again = PoolResize.parse({ targetDedicatedNodes: 1 });
    await driver.do(poolResize({ account, poolId: 'p', body: again }));
    await driver.advance(MINUTE);
    await driver.beginTask('a');
    await driver.do(jobDisable({ account, jobId: 'j', body: { disableTasks: 'requeue' } }));
    await driver.advance(MINUTE);
    expect(counts()).toEqual({ requeueCount: 2, retryCount: 0 });
  });
});

describe('a recurrence', () => {
  async function recurring(schedule: Record<string, unknown>) {
    const driver = await CoreDriver.start();
    const jobSpecification = { poolInfo: { poolId: 'p' } };
    const body = JobScheduleAdd.parse({ id: 's', schedule, jobSpecification });
    await driver.do(jobScheduleAdd({ account, body }));
    await driver.do(jobTerminate({ account, jobId: 's:job-1' }));
    await driver.advance(MINUTE);
    return driver;
  }
  const jobs = (driver: CoreDriver) => driver.store.all('job').map(({ id }) => id);

  it('that was missed in an outage is run late once, and then keeps to its times', async () => {
    const driver = await recurring({ recurrenceInterval: 'PT10M' });
    const begun = driver.now - MINUTE;
    driver.now += 34 * MINUTE;
    await driver.restart();
    await driver.advance(10);
    expect(jobs(driver)).toEqual(['s:job-1', 's:job-2']);
    await driver.do(jobTerminate({ account, jobId: 's:job-2' }));
    await driver.advance(begun + 40 * MINUTE - driver.now - 1);
    expect(jobs(driver)).toEqual(['s:job-1', 's:job-2']);
    await driver.advance(1);
    expect(jobs(driver)).toEqual(['s:job-1', 's:job-2', 's:job-3']);
  });

  it('that was missed in an outage is lost where its start window is over', async () => {
    const driver = await recurring({ recurrenceInterval: 'PT10M', startWindow: 'PT2M' });
    driver.now += 14 * MINUTE;
    await driver.restart();
    await driver.advance(10);
    expect(jobs(driver)).toEqual(['s:job-1']);
    await driver.advance(5 * MINUTE);
    expect(jobs(driver)).toEqual(['s:job-1', 's:job-2']);
  });

  it('is not run twice by a clock that is put back: it waits at half speed, and comes once', async () => {
    const driver = await recurring({ recurrenceInterval: 'PT10M' });
    driver.wallAheadMs = -HOUR;
    await driver.advance(17 * MINUTE);
    expect(jobs(driver)).toEqual(['s:job-1']);
    await driver.advance(2 * MINUTE);
    expect(jobs(driver)).toEqual(['s:job-1', 's:job-2']);
    await driver.do(jobTerminate({ account, jobId: 's:job-2' }));
    await driver.advance(17 * MINUTE);
    expect(jobs(driver)).toEqual(['s:job-1', 's:job-2']);
  });
});
