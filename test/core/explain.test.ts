import { describe, expect, it } from 'vitest';
import { computeNodeDisableScheduling } from '../../controller/commands/compute-node/disable-scheduling.js';
import { computeNodeExplain } from '../../controller/commands/compute-node/explain.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { poolExplain } from '../../controller/commands/pool/explain.js';
import { taskExplain } from '../../controller/commands/task/explain.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

async function withNodes(nodes: number, properties: Record<string, unknown> = {}) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: nodes, ...properties });
  return driver;
}
const ofTask = async (driver: CoreDriver, jobId: string, taskId: string) => {
  const { reasons, unknown } = await driver.do(taskExplain({ account, jobId, taskId }));
  return { reasons, unknown, codes: reasons.map(({ code }) => code) };
};
const ofPool = async (driver: CoreDriver, poolId = 'p') =>
  (await driver.do(poolExplain({ account, poolId }))).reasons;
const ofNode = async (driver: CoreDriver, n = 0) => {
  const nodeId = driver.nodes('p')[n]?.id ?? '';
  return (await driver.do(computeNodeExplain({ account, poolId: 'p', nodeId }))).reasons;
};

describe('the explanation of a task', () => {
  it('says what it does while it is with a node, and how it ended', async () => {
    const driver = await withNodes(1);
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    expect((await ofTask(driver, 'j', 'a')).codes).toEqual(['TaskAssigned']);
    await driver.beginTask('a');
    expect((await ofTask(driver, 'j', 'a')).reasons).toMatchObject([
      { code: 'TaskRunning', values: { attempt: 1 } },
    ]);
    await driver.endTask('a', { exitCode: 3 });
    expect((await ofTask(driver, 'j', 'a')).reasons[0]).toMatchObject({
      code: 'TaskCompleted',
      values: { result: expect.stringContaining('FailureExitCode') as string },
    });
  });

  it('counts the slots that are taken, and the tasks that come first', async () => {
    const driver = await withNodes(2, { taskSlotsPerNode: 2 });
    await driver.addJob('high', { priority: 5 });
    await driver.addJob('low');
    await driver.addTasks('high', 'a', 'b', 'c', 'd', 'e', 'f');
    await driver.addTasks('low', 'x', 'y');
    expect((await ofTask(driver, 'low', 'y')).reasons).toEqual([
      { code: 'NoFreeSlot', values: { needed: 1, used: 4, total: 4, ready: 2 } },
      { code: 'LowerPriority', values: { tasks: 2, jobs: 1, priority: 0 } },
      { code: 'BehindInJob', values: { tasks: 1 } },
    ]);
  });

  it('knows a task that can never fit, and a multi-instance task in a pool that takes none', async () => {
    const driver = await withNodes(1, { taskSlotsPerNode: 4 });
    await driver.addJob('j');
    const multiInstanceSettings = { numberOfInstances: 2, coordinationCommandLine: 'true' };
    await driver.addTasks(
      'j',
      { id: 'wide', requiredSlots: 5 },
      { id: 'group', multiInstanceSettings },
    );
    expect((await ofTask(driver, 'j', 'wide')).reasons).toEqual([
      { code: 'NeverFits', values: { needed: 5, slots: 4, pool: 'p' } },
    ]);
    expect((await ofTask(driver, 'j', 'group')).codes).toEqual(['InstancesNotAllowed']);
    expect(await ofPool(driver)).toContainEqual({
      code: 'NeverFittingTasks',
      values: { count: 2, example: 'j/wide' },
    });
  });

  it('names what it depends on, and what of that nobody knows', async () => {
    const driver = await withNodes(1);
    await driver.addJob('j', { usesTaskDependencies: true });
    await driver.addTasks(
      'j',
      'a',
      { id: 'b', dependsOn: { taskIds: ['a', 'ghost'] } },
      { id: 'c', dependsOn: { taskIdRanges: [{ start: 7, end: 9 }] } },
    );
    const { reasons, unknown } = await ofTask(driver, 'j', 'b');
    expect(reasons).toEqual([{ code: 'DependencyWaiting', values: { count: 2, tasks: 'a' } }]);
    expect(unknown).toEqual(['ghost']);
    expect((await ofTask(driver, 'j', 'c')).reasons).toEqual([
      { code: 'DependencyRangeWaiting', values: { range: '7 to 9', missing: 3, first: 7 } },
    ]);
  });

  it('says so when its job is disabled or full, or its pool is missing or empty', async () => {
    const driver = await withNodes(1);
    await driver.addJob('off');
    await driver.addTasks('off', 'a');
    await driver.endTask('a');
    await driver.do(jobDisable({ account, jobId: 'off', body: { disableTasks: 'requeue' } }));
    await driver.addTasks('off', 'b');
    expect((await ofTask(driver, 'off', 'b')).reasons[0]).toEqual({
      code: 'JobDisabled',
      values: { state: 'disabled' },
    });
    await driver.addJob('full', { maxParallelTasks: 1 });
    await driver.addTasks('full', 'a', 'b');
    expect((await ofTask(driver, 'full', 'b')).reasons[0]).toEqual({
      code: 'JobParallelTasksReached',
      values: { running: 1, limit: 1 },
    });
    await driver.addJob('lost', { poolInfo: { poolId: 'nowhere' } });
    await driver.addTasks('lost', 'a');
    expect((await ofTask(driver, 'lost', 'a')).codes).toEqual(['PoolNotFound']);
    await driver.addPool('empty');
    await driver.addJob('early', { poolInfo: { poolId: 'empty' } });
    await driver.addTasks('early', 'a');
    expect((await ofTask(driver, 'early', 'a')).reasons).toEqual([
      { code: 'NoNodeReady', values: { nodes: 0, pool: 'empty', states: 'none' } },
    ]);
    expect(await ofPool(driver, 'empty')).toEqual([{ code: 'PoolEmpty', values: {} }]);
  });

  it('waits for the job preparation task, and for enough empty nodes', async () => {
    const driver = await withNodes(2, { enableInterNodeCommunication: true });
    await driver.addJob('prepared', { jobPreparationTask: { commandLine: 'true' } });
    await driver.addTasks('prepared', 'a');
    expect((await ofTask(driver, 'prepared', 'a')).codes).toEqual(['JobPreparationRunning']);
    await driver.addJob('groups');
    const group = (numberOfInstances: number) => ({
      multiInstanceSettings: { numberOfInstances, coordinationCommandLine: 'true' },
    });
    await driver.addTasks('groups', { id: 'two', ...group(2) }, { id: 'nine', ...group(9) });
    expect((await ofTask(driver, 'groups', 'two')).reasons[0]).toEqual({
      code: 'NodesBusy',
      values: { needed: 2, empty: 1, ready: 2 },
    });
    expect((await ofTask(driver, 'groups', 'nine')).codes).toContain('TooFewNodes');
  });
});

describe('the explanation of nodes and pools', () => {
  it('says what keeps a node from taking tasks', async () => {
    const driver = await withNodes(1);
    expect(await ofNode(driver)).toEqual([{ code: 'NodeWithoutWork', values: {} }]);
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    expect(await ofNode(driver)).toEqual([{ code: 'NodeFull', values: { slots: 1, tasks: 1 } }]);
    const nodeId = driver.nodes('p')[0]?.id ?? '';
    const body = { nodeDisableSchedulingOption: 'requeue' as const };
    await driver.do(computeNodeDisableScheduling({ account, poolId: 'p', nodeId, body }));
    await driver.advance(100);
    expect((await ofNode(driver)).map(({ code }) => code)).toEqual(['NodeSchedulingDisabled']);
    expect((await ofPool(driver)).map(({ code }) => code)).toEqual(['SchedulingDisabled']);
    driver.silent = true;
    await driver.advance(driver.settings.leaseMs + driver.settings.leaseGraceMs + 1000);
    expect((await ofNode(driver)).map(({ code }) => code)).toEqual(['NodeUnknown']);
  });

  it('says what keeps a pool from growing', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    expect((await ofPool(driver))[0]).toMatchObject({
      code: 'PoolResizing',
      values: { present: 0, target: 3, missing: 3 },
    });
    await driver.advance(16 * 60_000);
    expect((await ofPool(driver)).map(({ code }) => code)).toEqual([
      'PoolShort',
      'PoolShrinking',
      'ResizeFailed',
    ]);
    await driver.addPool('auto', {
      enableAutoScale: true,
      autoScaleFormula: '$TargetDedicatedNodes = 0;',
      autoScaleEvaluationInterval: 'PT5M',
    });
    await driver.advance(6 * 60_000);
    expect((await ofPool(driver, 'auto')).map(({ code }) => code)).toContain('AutoScaleDecided');
  });
});
