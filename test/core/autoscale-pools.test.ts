import { describe, expect, it } from 'vitest';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { poolDisableAutoScale } from '../../controller/commands/pool/disable-auto-scale.js';
import { poolEnableAutoScale } from '../../controller/commands/pool/enable-auto-scale.js';
import { poolEvaluateAutoScale } from '../../controller/commands/pool/evaluate-auto-scale.js';
import { poolRemoveNodes } from '../../controller/commands/pool/remove-nodes.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { poolStopResize } from '../../controller/commands/pool/stop-resize.js';
import { batchAccountUpdate } from '../../controller/commands/batch-account/update.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const MINUTE = 60_000;
const poolId = 'p';

const enable = (autoScaleFormula?: string, autoScaleEvaluationInterval?: string) =>
  poolEnableAutoScale({ account, poolId, body: { autoScaleFormula, autoScaleEvaluationInterval } });
const disable = () => poolDisableAutoScale({ account, poolId });
const evaluate = (autoScaleFormula: string) =>
  poolEvaluateAutoScale({ account, poolId, body: { autoScaleFormula } });

const autoPool = (formula: string, interval = 'PT5M') => ({
  enableAutoScale: true,
  autoScaleFormula: formula,
  autoScaleEvaluationInterval: interval,
});
const PENDING = '$TargetDedicatedNodes = min(3, $PendingTasks.GetSample(1));';

describe('a pool that scales itself', () => {
  it('is evaluated at once, and again each interval with the samples of the time', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', autoPool(PENDING));
    expect(driver.nodes('p')).toEqual([]);
    expect(driver.pool('p')?.autoScale?.run?.results).toBe(
      '$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue',
    );
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b', 'c', 'd');
    await driver.advance(4 * MINUTE);
    expect(driver.nodes('p')).toEqual([]);
    await driver.advance(MINUTE);
    expect(driver.nodes('p')).toHaveLength(3);
    expect(driver.pool('p')).toMatchObject({ targetDedicatedNodes: 3, allocationState: 'steady' });
    for (const task of ['a', 'b', 'c']) await driver.endTask(task);
    await driver.endTask('d');
    await driver.advance(5 * MINUTE);
    expect(driver.nodes('p')).toEqual([]);
  });

  it('removes nodes with the option of the formula', async () => {
    const driver = await CoreDriver.start();
    const formula = `$NodeDeallocationOption = taskcompletion;
      $TargetDedicatedNodes = time() > time("${new Date(driver.now + MINUTE).toISOString()}") ? 0 : 1;`;
    await driver.addPool('p', autoPool(formula));
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    await driver.advance(6 * MINUTE);
    expect(driver.pool('p')).toMatchObject({
      targetDedicatedNodes: 0,
      allocationState: 'resizing',
    });
    expect(driver.nodes('p')).toMatchObject([{ state: 'leavingpool' }]);
    await driver.endTask('a');
    await driver.advance(10);
    expect(driver.nodes('p')).toEqual([]);
    expect(driver.task('j', 'a')).toMatchObject({ execution: { result: 'success' } });
  });

  it('stays as it is when its formula fails, and says why', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await driver.do(
      enable(
        '$TargetDedicatedNodes = avg($RunningTasks.GetSample(TimeInterval_Hour, 90));',
        'PT5M',
      ),
    );
    const before = driver.pool('p');
    expect(before).toMatchObject({ targetDedicatedNodes: 2, allocationState: 'steady' });
    expect(before?.autoScale?.run).toMatchObject({
      results: '$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue',
      error: {
        code: 'InsufficientSampleData',
        values: [
          {
            name: 'Message',
            value:
              'Line 1, Col 29: Insufficient data from data set: $RunningTasks wanted 90%, received 0%',
          },
        ],
      },
    });
    await driver.advance(5 * MINUTE);
    expect(driver.pool('p')?.version).toBe(before?.version);
    expect(driver.pool('p')?.autoScale?.run?.error?.values[0]?.value).toMatch(/received 9%$/);
    await driver.advance(60 * MINUTE);
    expect(driver.pool('p')).toMatchObject({ targetDedicatedNodes: 0 });
    expect(driver.pool('p')?.autoScale?.run?.error).toBeUndefined();
  });

  it('tries again what an earlier resize could not do', async () => {
    const driver = await CoreDriver.start();
    await driver.do(batchAccountUpdate({ account, quotas: { dedicatedCores: 4 } }));
    await driver.addPool('p', autoPool('$TargetDedicatedNodes = 2'));
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      targetDedicatedNodes: 2,
      resizeErrors: [{ code: 'AccountCoreQuotaReached' }],
    });
    expect(driver.nodes('p')).toHaveLength(1);
    await driver.do(batchAccountUpdate({ account, quotas: { dedicatedCores: 40 } }));
    await driver.advance(5 * MINUTE + 10);
    expect(driver.nodes('p')).toHaveLength(2);
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady', resizeErrors: [] });
  });

  it('skips what falls into a resize and looks right after it', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', autoPool('$TargetDedicatedNodes = 1 + $CurrentDedicatedNodes;'));
    const began = driver.pool('p')?.autoScale?.run?.timestamp ?? 0;
    await driver.advance(14 * MINUTE);
    expect(driver.pool('p')).toMatchObject({ allocationState: 'resizing' });
    expect(driver.pool('p')?.autoScale?.run?.timestamp).toBe(began);
    await driver.do(poolStopResize({ account, poolId }));
    const stopped = driver.now;
    await driver.advance(100);
    expect(driver.pool('p')?.autoScale?.run?.timestamp).toBeGreaterThanOrEqual(stopped);
    expect(driver.pool('p')?.autoScale?.evaluateAt).toBe(began + 15 * MINUTE);
  });

  it('keeps its schedule over a restart of the controller', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', autoPool(PENDING));
    const began = driver.pool('p')?.autoScale?.run?.timestamp ?? 0;
    await driver.advance(2 * MINUTE);
    await driver.restart();
    await driver.advance(4 * MINUTE);
    expect(driver.pool('p')?.autoScale?.run?.timestamp).toBe(began + 5 * MINUTE);
    await driver.do(poolDelete({ account, poolId }));
    await driver.advance(10 * MINUTE);
    expect(driver.pool('p')).toBeUndefined();
    expect(driver.state?.samples.size).toBe(0);
  });
});

describe('enabling and disabling', () => {
  it('needs a formula at first, then one of both, and keeps what is left out', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await expect(driver.do(enable(undefined, 'PT10M'))).rejects.toMatchObject({
      code: 'InvalidAutoScalingSettings',
      values: [{ key: 'PropertyName', value: 'autoScaleFormula' }, { key: 'Reason' }],
    });
    await driver.do(enable('$TargetDedicatedNodes = 1'));
    expect(driver.pool('p')?.specification).toMatchObject({
      enableAutoScale: true,
      autoScaleEvaluationInterval: 'PT15M',
    });
    await expect(driver.do(enable())).rejects.toMatchObject({ code: 'InvalidAutoScalingSettings' });
    await driver.advance(31_000);
    await driver.do(enable(undefined, 'PT10M'));
    expect(driver.pool('p')?.specification).toMatchObject({
      autoScaleFormula: '$TargetDedicatedNodes = 1',
      autoScaleEvaluationInterval: 'PT10M',
    });
    expect(driver.pool('p')?.autoScale?.evaluateAt).toBe(driver.now + 10 * MINUTE);
    await driver.advance(31_000);
    await driver.do(enable('$TargetDedicatedNodes = 0'));
    expect(driver.pool('p')?.autoScale?.evaluateAt).toBe(driver.now + 10 * MINUTE - 31_000);
    expect(driver.pool('p')).toMatchObject({ targetDedicatedNodes: 0 });
  });

  it('takes one request in 30 seconds; the same again, later, is no change', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p');
    await driver.do(enable('$TargetDedicatedNodes = 0'));
    for (const formula of ['$TargetDedicatedNodes = 0', '$TargetDedicatedNodes = 1'])
      await expect(driver.do(enable(formula))).rejects.toMatchObject({
        code: 'TooManyEnableAutoScaleRequests',
      });
    await driver.advance(30_000);
    const version = driver.pool('p')?.version;
    await driver.do(enable('$TargetDedicatedNodes = 0'));
    expect(driver.pool('p')?.version).toBe(version);
    await driver.do(enable('$TargetDedicatedNodes = 2'));
    await driver.do(disable());
    await expect(driver.do(enable('$TargetDedicatedNodes = 1'))).rejects.toMatchObject({
      code: 'TooManyEnableAutoScaleRequests',
    });
    await driver.advance(30_000);
    await driver.do(enable('$TargetDedicatedNodes = 1'));
    expect(driver.pool('p')).toMatchObject({ targetDedicatedNodes: 1 });
  });

  it('leaves targets and nodes when it is disabled, also where it is off already', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', autoPool('$TargetDedicatedNodes = 2'));
    await driver.do(disable());
    expect(driver.pool('p')).toMatchObject({
      targetDedicatedNodes: 2,
      specification: { enableAutoScale: false },
      autoScale: {},
    });
    expect(driver.pool('p')?.specification.autoScaleFormula).toBeUndefined();
    expect(driver.pool('p')?.autoScale?.run).toBeUndefined();
    const version = driver.pool('p')?.version;
    await driver.do(disable());
    expect(driver.pool('p')?.version).toBe(version);
    await driver.advance(60 * MINUTE);
    expect(driver.nodes('p')).toHaveLength(2);
  });

  it('and changing the size by hand exclude each other', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await expect(driver.do(enable('$TargetDedicatedNodes = 1'))).rejects.toMatchObject({
      code: 'PoolBeingResized',
    });
    await driver.do(poolStopResize({ account, poolId }));
    await driver.advance(10);
    await driver.do(enable('$TargetDedicatedNodes = $TargetDedicatedNodes'));
    const body = {
      targetDedicatedNodes: 1,
      resizeTimeout: 'PT15M',
      nodeDeallocationOption: 'requeue' as const,
    };
    const refused = { code: 'OperationInvalidForCurrentState' };
    await expect(driver.do(poolResize({ account, poolId, body }))).rejects.toMatchObject(refused);
    const nodes = {
      nodeList: ['n'],
      resizeTimeout: 'PT15M',
      nodeDeallocationOption: 'requeue' as const,
    };
    await expect(
      driver.do(poolRemoveNodes({ account, poolId, body: nodes })),
    ).rejects.toMatchObject(refused);
  });

  it('refuses bad formulas and short intervals, and changes nothing', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p');
    const before = JSON.stringify(driver.pool('p'));
    await expect(driver.do(enable('$TargetDedicatedNodes = (1'))).rejects.toMatchObject({
      code: 'AutoScalingFormulaSyntaxError',
      values: [
        { key: 'PropertyName', value: 'autoScaleFormula' },
        { key: 'Reason', value: 'Line 1, Col 27: expected ), found the end of the formula' },
      ],
    });
    await expect(driver.do(enable('$TargetDedicatedNodes = 1', 'PT4M'))).rejects.toMatchObject({
      code: 'InvalidPropertyValue',
      values: [{ value: 'autoScaleEvaluationInterval' }, { value: 'PT4M' }, {}],
    });
    expect(JSON.stringify(driver.pool('p'))).toBe(before);
    await expect(driver.addPool('q', autoPool('x ='))).rejects.toMatchObject({
      code: 'AutoScalingFormulaSyntaxError',
    });
    expect(driver.pool('q')).toBeUndefined();
  });

  it('allows shorter intervals where the operator does', async () => {
    const driver = await CoreDriver.start({ autoScaleMinimumIntervalMs: 5_000 });
    await driver.addPool('p', autoPool(PENDING, 'PT5S'));
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.advance(5_010);
    expect(driver.nodes('p')).toHaveLength(1);
  });
});

describe('a dry run', () => {
  it('answers with what the formula would decide, changes nothing, and needs autoscale', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await expect(driver.do(evaluate('$TargetDedicatedNodes=3'))).rejects.toMatchObject({
      code: 'OperationInvalidForCurrentState',
    });
    await driver.do(enable('$TargetDedicatedNodes=2'));
    const before = JSON.stringify(driver.pool('p'));
    expect(await driver.do(evaluate('$TargetDedicatedNodes=3'))).toEqual({
      timestamp: driver.now,
      results: '$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue',
    });
    for (const formula of ['something_useless', '$TargetDedicatedNodes = ('])
      expect(await driver.do(evaluate(formula))).toMatchObject({
        results:
          '$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue',
        error: {
          code: 'AutoScalingFormulaEvaluationError',
          values: [
            { name: 'Message', value: expect.stringMatching(/^Line 1, Col \d+: /) as string },
          ],
        },
      });
    expect(JSON.stringify(driver.pool('p'))).toBe(before);
  });
});
