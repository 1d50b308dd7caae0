import { describe, expect, it } from 'vitest';
import { jobDelete } from '../../controller/commands/job/delete.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskReactivate } from '../../controller/commands/task/reactivate.js';
import { taskTerminate } from '../../controller/commands/task/terminate.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const account = ACCOUNT;

async function withPool(nodes = 1, properties: Record<string, unknown> = {}): Promise<CoreDriver> {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: nodes, ...properties });
  return driver;
}

describe('a task', () => {
  it('runs once and is completed with success', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active', phase: 'assigned', attempt: 1 });
    await driver.beginTask('a');
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running' });
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'running', runningTasksCount: 1 });
    await driver.endTask('a');
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      previousState: 'running',
      version: 1,
      execution: { exitCode: 0, result: 'success', retryCount: 0 },
    });
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'idle', totalTasksSucceeded: 1 });
    expect(driver.job('j')?.taskCounts).toEqual({
      active: 0,
      running: 0,
      completed: 1,
      succeeded: 1,
      failed: 0,
    });
    expect(driver.state?.tasks.size).toBe(0);
  });

  it('is tried again as often as its constraints say, and then has failed with its exit code', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', { id: 'a', constraints: { maxTaskRetryCount: 2 } });
    for (let n = 0; n < 3; n += 1) await driver.endTask('a', { exitCode: 7 });
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      attempt: 3,
      execution: {
        exitCode: 7,
        result: 'failure',
        retryCount: 2,
        failureInfo: { code: 'FailureExitCode' },
      },
    });
  });

  it('tells when its latest retry began, which is not every later start', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', { id: 'a', constraints: { maxTaskRetryCount: -1 } });
    const retried = () => driver.task('j', 'a')?.execution.lastRetryTime;
    await driver.beginTask('a');
    await driver.endTask('a', { exitCode: 7 });
    const decided = driver.now;
    expect(retried()).toBe(decided);
    await driver.advance(5000);
    await driver.beginTask('a');
    expect(retried()).toBe(decided + 5000);
    await driver.advance(5000);
    await driver.do(jobDisable({ account, jobId: 'j', body: { disableTasks: 'requeue' } }));
    await driver.advance(5000);
    await driver.do(jobEnable({ account, jobId: 'j' }));
    await driver.beginTask('a');
    expect(retried()).toBe(decided + 5000);
    await driver.endTask('a', { exitCode: 7 });
    await driver.advance(5000);
    await driver.endTask('a');
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      execution: { retryCount: 2, startTime: driver.now, lastRetryTime: driver.now },
    });
  });

  it('that failed before its process ran is not tried again', async () => {
    const driver = await withPool();
    await driver.addJob('j', { constraints: { maxTaskRetryCount: -1 } });
    await driver.addTasks('j', 'a');
    const failure = {
      category: 'usererror' as const,
      code: 'BlobNotFound',
      message: 'm',
      details: [],
    };
    await driver.endTask('a', { failure, preProcessing: true });
    expect(driver.task('j', 'a')?.execution).toMatchObject({
      result: 'failure',
      failureInfo: failure,
    });
  });

  it('can be terminated while active and reactivated afterwards', async () => {
    const driver = await CoreDriver.start();
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.do(taskTerminate({ account, jobId: 'j', taskId: 'a' }));
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      execution: { failureInfo: { code: 'TaskEnded' } },
    });
    await expect(
      driver.do(taskTerminate({ account, jobId: 'j', taskId: 'a' })),
    ).rejects.toMatchObject({ code: 'TaskCompleted' });
    await driver.do(taskReactivate({ account, jobId: 'j', taskId: 'A' }));
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active', execution: { retryCount: 0 } });
    expect(driver.task('j', 'a')?.execution.failureInfo).toBeUndefined();
    expect(driver.job('j')?.taskCounts).toMatchObject({ active: 1, completed: 0, failed: 0 });
  });

  it('that runs is killed by terminate and completed when the agent says so', async () => {
    const driver = await withPool();
    await driver.addJob('j', { constraints: { maxTaskRetryCount: 3 } });
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    await driver.do(taskTerminate({ account, jobId: 'j', taskId: 'a' }));
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      execution: {
        result: 'failure',
        retryCount: 0,
        failureInfo: { code: 'TaskEnded', category: 'usererror' },
      },
    });
  });

  it('is gone at once when deleted, and a new one under its id is not mistaken for it', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    const old = driver.holding('a');
    driver.silent = true;
    await driver.do(taskDelete({ account, jobId: 'j', taskId: 'a' }));
    driver.silent = false;
    expect(driver.task('j', 'a')).toBeUndefined();
    await driver.addTasks('j', 'a');
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active', attempt: 1 });
    expect(driver.task('j', 'a')?.phase).toBeUndefined();
    const { nodeKey, ...one } = old;
    driver.end(nodeKey, one, { stopped: true });
    await driver.rest();
    expect(driver.removed).toContain('workitems/j/job-1/a');
    expect(driver.task('j', 'a')).toMatchObject({ phase: 'assigned', attempt: 2 });
  });

  it('is refused where it exists already, in any case, even when it is completed and out of memory', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    const twice = await driver.addTasks('j', 'a', 'A');
    expect(twice.map((one) => one.status)).toEqual(['success', 'clienterror']);
    await driver.endTask('a');
    expect(await driver.addTasks('j', 'A')).toMatchObject([
      { status: 'clienterror', error: { code: 'TaskExists' } },
    ]);
  });

  it('that waits for others runs when all ids and ranges are satisfied', async () => {
    const driver = await withPool(4);
    await driver.addJob('j', { usesTaskDependencies: true });
    await driver.addTasks(
      'j',
      { id: 'last', dependsOn: { taskIds: ['X'], taskIdRanges: [{ start: 1, end: 2 }] } },
      'x',
      '01',
      '2',
    );
    for (const id of ['x', '2']) await driver.endTask(id);
    expect(driver.held.map((one) => one.taskId)).toEqual(['01']);
    await driver.endTask('01');
    expect(driver.held.map((one) => one.taskId)).toEqual(['last']);
  });

  it('blocked by a failed parent stays active, and runs after the parent was reactivated and succeeded', async () => {
    const driver = await withPool();
    await driver.addJob('j', { usesTaskDependencies: true });
    await driver.addTasks('j', { id: 'child', dependsOn: { taskIds: ['parent'] } }, 'parent');
    await driver.endTask('parent', { exitCode: 1 });
    expect(driver.task('j', 'child')).toMatchObject({ state: 'active' });
    expect(driver.held).toEqual([]);
    await driver.do(taskReactivate({ account, jobId: 'j', taskId: 'parent' }));
    await driver.endTask('parent');
    await driver.endTask('child');
    expect(driver.job('j')?.taskCounts).toMatchObject({ completed: 2, succeeded: 2 });
  });

  it('satisfies its dependants by the exit conditions it was given', async () => {
    const driver = await withPool();
    await driver.addJob('j', { usesTaskDependencies: true });
    const exitConditions = {
      exitCodeRanges: [{ start: 3, end: 5, exitOptions: { dependencyAction: 'satisfy' } }],
    };
    await driver.addTasks(
      'j',
      { id: 'p1', exitConditions },
      { id: 'c1', dependsOn: { taskIds: ['p1'] } },
    );
    await driver.endTask('p1', { exitCode: 4 });
    await driver.restart();
    expect(driver.held.map((one) => one.taskId)).toEqual(['c1']);
  });
});

describe('a job', () => {
  it('terminates itself when all its tasks are complete, and an empty one after a short delay', async () => {
    const driver = await withPool();
    await driver.addJob('j', { onAllTasksComplete: 'terminatejob' });
    await driver.addJob('empty', { onAllTasksComplete: 'terminatejob' });
    await driver.addTasks('j', 'a');
    await driver.endTask('a');
    expect(driver.job('j')).toMatchObject({
      state: 'completed',
      terminateReason: 'AllTasksComplete',
    });
    expect(driver.job('empty')).toMatchObject({ state: 'active' });
    await driver.advance(60_000);
    expect(driver.job('empty')).toMatchObject({ state: 'completed' });
  });

  it('ends with its job manager, which runs first and alone on its node', async () => {
    const driver = await withPool(1, { taskSlotsPerNode: 4 });
    await driver.addJob('j', { jobManagerTask: { id: 'manager', commandLine: 'x' } });
    await driver.addTasks('j', 'a', 'b');
    expect(driver.held.map((one) => one.taskId)).toEqual(['manager']);
    await driver.endTask('manager');
    expect(driver.job('j')).toMatchObject({ state: 'completed', terminateReason: 'JMComplete' });
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active' });
  });

  it('when disabled with requeue gives its running tasks back and runs them after enable', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    await driver.do(jobDisable({ account, jobId: 'j', body: { disableTasks: 'requeue' } }));
    expect(driver.job('j')).toMatchObject({ state: 'disabled' });
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'active',
      execution: { requeueCount: 1 },
    });
    await driver.do(jobEnable({ account, jobId: 'j' }));
    expect(driver.held.map((one) => one.attempt)).toEqual([2]);
  });

  it('when disabled with wait lets running tasks finish first', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.do(jobDisable({ account, jobId: 'j', body: { disableTasks: 'wait' } }));
    expect(driver.job('j')).toMatchObject({ state: 'disabling' });
    await driver.endTask('a');
    expect(driver.job('j')).toMatchObject({ state: 'disabled' });
    expect(driver.held).toEqual([]);
  });

  it('when terminated kills what runs and leaves the rest active for ever', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.do(jobTerminate({ account, jobId: 'j' }));
    expect(driver.job('j')).toMatchObject({
      state: 'completed',
      terminateReason: 'UserTerminate',
      taskCounts: { active: 1, failed: 1 },
    });
    await expect(driver.addTasks('j', 'c')).rejects.toMatchObject({ code: 'JobCompleted' });
  });

  it('when deleted takes its tasks and their directories with it', async () => {
    const driver = await withPool();
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.do(jobDelete({ account, jobId: 'j' }));
    expect(driver.job('j')).toBeUndefined();
    expect(driver.store.all('task')).toEqual([]);
    expect(driver.store.bodies.size).toBe(0);
    expect(driver.removed).toContain('workitems/j');
    await driver.addJob('j');
  });

  it('whose task fails does what the exit conditions say', async () => {
    const driver = await withPool();
    await driver.addJob('j', { onTaskFailure: 'performexitoptionsjobaction' });
    await driver.addTasks('j', 'a', 'b');
    await driver.endTask('a', { exitCode: 1 });
    expect(driver.job('j')).toMatchObject({ state: 'completed', terminateReason: 'TaskFailed' });
  });

  it('ends when its wall clock has run out', async () => {
    const driver = await withPool();
    await driver.addJob('j', { constraints: { maxWallClockTime: 'PT1M' } });
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    await driver.advance(61_000);
    expect(driver.job('j')).toMatchObject({
      state: 'completed',
      terminateReason: 'MaxWallClockTimeExpiry',
    });
  });
});
