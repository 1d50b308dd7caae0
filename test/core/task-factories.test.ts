import { describe, expect, it } from 'vitest';
import { jobDelete } from '../../controller/commands/job/delete.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { taskAdd } from '../../controller/commands/task/add.js';
import { taskAddFactory } from '../../controller/commands/task/add-factory.js';
import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskUnfold } from '../../controller/commands/task/unfold.js';
import { BatchError } from '../../protocol/batch/errors.js';
import { TaskAdd } from '../../protocol/batch/task.js';
import { TaskFactoryAdd } from '../../protocol/batch/task-factory.js';
import { jobKey, taskKey } from '../../protocol/keys.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const jobId = 'j';
async function withJob(properties: Record<string, unknown> = {}, nodes = 0) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: nodes });
  await driver.addJob(jobId, properties);
  return driver;
}
const factory = (body: Record<string, unknown>) =>
  taskAddFactory({
    account,
    jobId,
    body: TaskFactoryAdd.parse({ id: 'f', repeatTask: { commandLine: 'run {0}' }, ...body }),
  });
const range = (start: number, end: number, step = 1) => ({
  parametricSweep: { parameterSets: [{ start, end, step }] },
});
const body = (driver: CoreDriver, id: string) =>
  JSON.parse(driver.store.bodies.get(taskKey(jobKey(account, jobId), id)) ?? '{}') as {
    commandLine: string;
    [name: string]: unknown;
  };
const counts = (driver: CoreDriver) => driver.job(jobId)?.taskCounts;
const ids = (driver: CoreDriver) => driver.store.all('task').map(({ id }) => id);
const refusal = async (attempt: Promise<unknown>) => {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BatchError);
  return error as BatchError;
};

describe('a task factory', () => {
  it('makes a task for each combination of its ranges, the last range fastest', async () => {
    const driver = await withJob();
    const parameterSets = [
      { start: 1, end: 2 },
      { start: 10, end: 0, step: -5 },
    ];
    const reply = await driver.do(
      factory({
        parametricSweep: { parameterSets },
        taskIdDigits: 3,
        firstTaskNumber: 1,
        repeatTask: {
          commandLine: 'run {0} {1:4} {{0}} ${HOME} {print}',
          requiredSlots: 2,
          environmentSettings: [{ name: 'N{0}', value: '"{1}"' }],
        },
      }),
    );
    expect(reply).toEqual({
      id: 'f',
      taskCount: 6,
      firstTaskId: 'f-001',
      lastTaskId: 'f-006',
      madeCount: 0,
    });
    expect(counts(driver)?.active).toBe(6);
    await driver.advance(10);
    expect(ids(driver)).toEqual(['f-001', 'f-002', 'f-003', 'f-004', 'f-005', 'f-006']);
    expect(body(driver, 'f-005')).toMatchObject({
      id: 'f-005',
      commandLine: 'run 2 0005 {0} ${HOME} {print}',
      requiredSlots: 2,
      environmentSettings: [{ name: 'N2', value: '"5"' }],
    });
    expect(driver.job(jobId)).toMatchObject({
      taskCounts: { active: 6 },
      taskSlotCounts: { active: 12 },
    });
    expect(driver.job(jobId)?.factories).toBeUndefined();
    expect(driver.store.all('taskFactory')[0]?.plan).toBeUndefined();
  });

  it('makes a task for each item of a list: texts, lists of texts, or named texts', async () => {
    const driver = await withJob();
    await driver.do(
      factory({ list: { items: ['a "b"', ['c\\d', 'x']] }, taskIdPrefix: 'l', id: 'l' }),
    );
    const items = [{ in: '1.png', out: '1.jpg' }];
    const repeatTask = { commandLine: 'convert {in} {out}' };
    await driver.do(factory({ id: 'n', list: { items }, repeatTask }));
    await driver.advance(10);
    expect([body(driver, 'l0').commandLine, body(driver, 'l1').commandLine]).toEqual([
      'run a "b"',
      'run c\\d',
    ]);
    expect(body(driver, 'n-0').commandLine).toBe('convert 1.png 1.jpg');
  });

  it('is taken in an instant however many tasks it has, and makes them little by little', async () => {
    const driver = await withJob();
    await driver.do(factory(range(1, 1_000_000)));
    expect(counts(driver)?.active).toBe(1_000_000);
    expect(driver.store.rows.task.size).toBe(0);
    await driver.advance(1);
    expect(driver.store.rows.task.size).toBe(2_000);
    expect(counts(driver)?.active).toBe(1_000_000);
  });

  it('answers a repeated request alike, and refuses another of the same id', async () => {
    const driver = await withJob();
    const reply = await driver.do(factory(range(1, 3)));
    await driver.advance(10);
    expect(await driver.do(factory(range(1, 3)))).toEqual({ ...reply, madeCount: 3 });
    expect(counts(driver)?.active).toBe(3);
    expect((await refusal(driver.do(factory(range(1, 4))))).code).toBe('TaskFactoryExists');
  });

  it('goes on where it was after a restart, making none twice and none less', async () => {
    const driver = await withJob();
    driver.checks = false;
    await driver.do(factory(range(1, 5000)));
    await driver.advance(1);
    const before = driver.store.rows.task.size;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(5000);
    await driver.restart();
    driver.checks = true;
    await driver.advance(100);
    expect(new Set(ids(driver)).size).toBe(5000);
    expect(driver.store.rows.task.size).toBe(5000);
    expect(counts(driver)?.active).toBe(5000);
  });

  it('makes a task before its turn when somebody asks for it, once', async () => {
    const driver = await withJob();
    driver.checks = false;
    await driver.do(factory(range(1, 6000)));
    expect(await driver.do(taskUnfold({ account, jobId, taskId: 'F-5999' }))).toBe(true);
    expect(await driver.do(taskUnfold({ account, jobId, taskId: 'f-6000' }))).toBe(false);
    expect(driver.task(jobId, 'f-5999')?.sequence).toBe(6000);
    await driver.do(taskDelete({ account, jobId, taskId: 'f-5999' }));
    expect(counts(driver)?.active).toBe(5999);
    const taken = TaskAdd.parse({ id: 'f-5998', commandLine: 'x' });
    expect((await refusal(driver.do(taskAdd({ account, jobId, body: taken })))).code).toBe(
      'TaskExists',
    );
    await driver.advance(100);
    driver.checks = true;
    await driver.advance(1);
    expect(ids(driver)).not.toContain('f-5999');
    expect(driver.store.rows.task.size).toBe(5999);
  });

  it('runs its tasks in order, before those that were added after it, and ends its job with the last', async () => {
    const driver = await withJob({ onAllTasksComplete: 'terminatejob' }, 1);
    await driver.do(factory(range(1, 3)));
    await driver.addTasks(jobId, 'late');
    await driver.advance(10);
    const order: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const id = driver.held[0]?.taskId ?? '';
      order.push(id);
      await driver.endTask(id, { startTime: driver.now - 5000 });
    }
    expect(order.filter((id) => id !== 'late')).toEqual(['f-0', 'f-1', 'f-2']);
    await driver.advance(100);
    expect(driver.job(jobId)?.state).toBe('completed');
  });

  it('makes no more tasks in a job that has ended, which stay active, and goes with its job', async () => {
    const driver = await withJob();
    await driver.do(factory(range(1, 9000)));
    await driver.do(jobTerminate({ account, jobId }));
    const made = driver.store.rows.task.size;
    await driver.advance(1000);
    expect(driver.store.rows.task.size).toBe(made);
    expect(driver.job(jobId)).toMatchObject({ state: 'completed', taskCounts: { active: 9000 } });
    await driver.restart();
    await driver.do(jobDelete({ account, jobId }));
    await driver.advance(1000);
    expect(driver.store.all('taskFactory')).toEqual([]);
    expect(driver.store.all('job')).toEqual([]);
  });
});

describe('a task factory is refused as a whole', () => {
  it('where one of its ids is taken: by a task that waits, a completed one, or another factory', async () => {
    const driver = await withJob({}, 1);
    await driver.addTasks(jobId, 'f-2');
    expect((await refusal(driver.do(factory(range(1, 5))))).values[0]?.value).toBe('f-2');
    await driver.endTask('f-2');
    expect((await refusal(driver.do(factory(range(1, 5))))).code).toBe('TaskExists');
    await driver.do(factory({ ...range(1, 5), id: 'g', taskIdPrefix: 'x1' }));
    const clash = factory({ ...range(1, 5), id: 'h', taskIdPrefix: 'X', firstTaskNumber: 10 });
    expect((await refusal(driver.do(clash))).code).toBe('TaskExists');
    expect(driver.store.all('taskFactory')).toHaveLength(1);
    expect(counts(driver)?.completed).toBe(1);
  });
  it.each([
    [
      'a placeholder that no parameter fills',
      { ...range(1, 2), repeatTask: { commandLine: '{1}' } },
    ],
    ['more tasks than are allowed', range(1, 1_000_001)],
    [
      'a product that is too large',
      { parametricSweep: { parameterSets: Array(4).fill({ start: 1, end: 1000 }) } },
    ],
    ['a template without a command line', { ...range(1, 2), repeatTask: {} }],
    ['a template that is too long for one item', { list: { items: ['x', 'y'.repeat(32_768)] } }],
    ['ids that are too long', { ...range(1, 2), taskIdPrefix: 'p'.repeat(64) }],
    [
      'dependencies in a job without',
      { ...range(1, 2), repeatTask: { commandLine: 'x', dependsOn: { taskIds: ['a'] } } },
    ],
  ])('%s', async (_what, properties) => {
    const driver = await withJob();
    await refusal(driver.do(factory(properties)));
    expect(counts(driver)?.active).toBe(0);
    expect(driver.store.all('taskFactory')).toEqual([]);
  });
  it.each([
    ['no source', {}],
    ['two sources', { ...range(1, 2), list: { items: ['a'] } }],
    ['a range that runs the wrong way', range(2, 1)],
    ['a step of 0', range(1, 2, 0)],
    ['an empty list', { list: { items: [] } }],
    ['an id in the template', { ...range(1, 2), repeatTask: { id: 'x', commandLine: 'x' } }],
  ])('%s', (_what, properties) => {
    expect(() => factory(properties)).toThrow();
  });
});
