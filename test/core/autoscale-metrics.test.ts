import { describe, expect, it } from 'vitest';
import { poolEnableAutoScale } from '../../controller/commands/pool/enable-auto-scale.js';
import { poolEvaluateAutoScale } from '../../controller/commands/pool/evaluate-auto-scale.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const MINUTE = 60_000;
const poolId = 'p';

const evaluate = (autoScaleFormula: string) =>
  poolEvaluateAutoScale({ account, poolId, body: { autoScaleFormula } });
const autoPool = (formula: string, interval = 'PT5M') => ({
  enableAutoScale: true,
  autoScaleFormula: formula,
  autoScaleEvaluationInterval: interval,
});

describe('the samples of a pool', () => {
  const sample = async (driver: CoreDriver, ...names: string[]) => {
    const formula = names.map((name, index) => `v${index} = ${name};`).join('');
    const { results, error } = await driver.do(evaluate(formula));
    expect(error).toBeUndefined();
    return results
      .split(';')
      .slice(3)
      .map((part) => Number(part.split('=')[1]));
  };

  it('count tasks as they are now, not those that wait for others or fit on no node', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { ...autoPool('$TargetDedicatedNodes = 1'), taskSlotsPerNode: 2 });
    await driver.addJob('j', { usesTaskDependencies: true });
    await driver.addJob('other', { poolInfo: { poolId: 'elsewhere' } });
    await driver.addTasks('other', 'x', 'y');
    await driver.addTasks(
      'j',
      { id: '1', requiredSlots: 2 },
      { id: '2', requiredSlots: 2 },
      { id: '3', dependsOn: { taskIds: ['1'] } },
      { id: '4', requiredSlots: 4 },
      '5',
    );
    const tasks = [
      '$ActiveTasks',
      '$RunningTasks',
      '$PendingTasks',
      '$SucceededTasks',
      '$FailedTasks',
    ];
    const slots = tasks.map((name) => name.replace('Tasks', 'TaskSlots'));
    expect(await sample(driver, ...tasks)).toEqual([3, 0, 3, 0, 0]);
    expect(await sample(driver, ...slots)).toEqual([5, 0, 5, 0, 0]);
    await driver.beginTask('1');
    expect(await sample(driver, ...tasks)).toEqual([2, 1, 3, 0, 0]);
    await driver.endTask('1');
    expect(await sample(driver, ...tasks)).toEqual([3, 0, 3, 1, 0]);
    await driver.beginTask('2');
    await driver.endTask('2', { exitCode: 1 });
    expect(await sample(driver, ...slots)).toEqual([2, 0, 2, 2, 2]);
  });

  it('count a multi-instance task once for each of its instances', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', {
      ...autoPool('$TargetDedicatedNodes = 0'),
      enableInterNodeCommunication: true,
    });
    await driver.addJob('j');
    const multiInstanceSettings = { numberOfInstances: 3, coordinationCommandLine: '/bin/true' };
    await driver.addTasks('j', 'one', { id: 'many', multiInstanceSettings });
    expect(await sample(driver, '$ActiveTasks', '$PendingTasks')).toEqual([4, 4]);
  });

  it('count nodes, and average what their agents report', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', autoPool('$TargetDedicatedNodes = 2; $TargetLowPriorityNodes = 1'));
    const report = (n: number, cpuPercent: number, networkInBytes: number) => {
      const nodeKey = [...driver.boots.keys()][n];
      if (nodeKey === undefined) throw new Error(`no node ${n}`);
      const metrics = { cpuPercent, memoryBytes: 2 ** 30, diskBytes: 2 ** 31, networkInBytes };
      driver.engine.report({
        type: 'heartbeatReceived',
        nodeKey,
        incarnation: 1,
        heartbeat: 1,
        metrics,
      });
    };
    const names = [
      '$CurrentDedicatedNodes',
      '$CurrentLowPriorityNodes',
      '$UsableNodeCount',
      '$TaskSlotsPerNode',
      '$SampleNodeCount',
    ];
    expect(await sample(driver, ...names)).toEqual([2, 1, 3, 1, 0]);
    report(0, 20, 1000);
    report(1, 60, 5000);
    expect(await sample(driver, ...names)).toEqual([2, 1, 3, 1, 2]);
    const metrics = [
      '$CPUPercent',
      '$MemoryBytes',
      '$DiskBytes',
      '$NetworkInBytes',
      '$WallClockSeconds',
    ];
    expect(await sample(driver, ...metrics)).toEqual([40, 1024, 2, 0, 0]);
    await driver.advance(30_000);
    report(0, 40, 1500);
    report(1, 60, 5001);
    expect((await sample(driver, ...metrics)).slice(0, 4)).toEqual([50, 1024, 2, 501]);
  });

  it('are there from the first second and come every 30 seconds', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { ...autoPool('$TargetDedicatedNodes = 0', 'P1D') });
    expect(await sample(driver, '$ActiveTasks.Count()', 'len($ActiveTasks.GetSample(1))')).toEqual([
      1, 1,
    ]);
    await driver.advance(10 * MINUTE);
    expect(
      await sample(
        driver,
        '$ActiveTasks.Count()',
        '$ActiveTasks.GetSamplePercent(10 * TimeInterval_Minute)',
        '$ActiveTasks.GetSamplePercent(20 * TimeInterval_Minute)',
      ),
    ).toEqual([21, 100, 52.5]);
  });

  it('of a pool that was resized by hand until now serve the first evaluation', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 0 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.advance(6 * MINUTE);
    await driver.do(
      poolEnableAutoScale({
        account,
        poolId,
        body: {
          autoScaleFormula:
            '$TargetDedicatedNodes = avg($PendingTasks.GetSample(5 * TimeInterval_Minute, 90));',
        },
      }),
    );
    await driver.advance(10);
    expect(driver.nodes('p')).toHaveLength(2);
  });
});
