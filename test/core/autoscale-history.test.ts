import { describe, expect, it } from 'vitest';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { poolEvaluateAutoScale } from '../../controller/commands/pool/evaluate-auto-scale.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const poolId = 'p';

/** A pool that grows by formula, with two active tasks that no node runs. */
async function start(): Promise<CoreDriver> {
  const driver = await CoreDriver.start();
  await driver.addPool(poolId, {
    enableAutoScale: true,
    autoScaleFormula: '$TargetDedicatedNodes = 0',
    autoScaleEvaluationInterval: 'PT168H',
  });
  await driver.addJob('j');
  await driver.addTasks('j', 'a', 'b');
  return driver;
}

async function valueOf(driver: CoreDriver, expression: string): Promise<string> {
  const body = { autoScaleFormula: `x = ${expression};` };
  const { results, error } = await driver.do(poolEvaluateAutoScale({ account, poolId, body }));
  expect(error).toBeUndefined();
  return /;x=(.*)$/.exec(results)?.[1] ?? results;
}

describe('the history of samples', () => {
  it('survives a restart, but for the last minute, and shows when nothing was sampled', async () => {
    const driver = await start();
    await driver.advance(15 * MINUTE);
    await driver.addTasks('j', 'c');
    await driver.advance(10 * MINUTE);
    const began = await valueOf(driver, '$ActiveTasks.HistoryBeginTime()');
    await driver.restart();
    expect(await valueOf(driver, '$ActiveTasks.HistoryBeginTime()')).toBe(began);
    const earlier = '10 * TimeInterval_Minute, 20 * TimeInterval_Minute';
    expect(await valueOf(driver, `$ActiveTasks.GetSamplePercent(${earlier})`)).toBe('100');
    expect(await valueOf(driver, `$ActiveTasks.GetSample(${earlier})`)).toBe(
      `[${'2,'.repeat(19)}2]`,
    );
    const later = '2 * TimeInterval_Minute, 9 * TimeInterval_Minute';
    expect(await valueOf(driver, `$ActiveTasks.GetSample(${later}, 100)`)).toBe(
      `[${'3,'.repeat(13)}3]`,
    );
    // Nobody takes samples while the controller is away.
    driver.now += HOUR;
    await driver.restart();
    const percent = async (span: string) =>
      Number(await valueOf(driver, `$ActiveTasks.GetSamplePercent(${span})`));
    expect(await percent('TimeInterval_Hour - TimeInterval_Minute')).toBeLessThan(2);
    expect(await percent('TimeInterval_Hour * 2')).toBeGreaterThan(19);
  });

  it('is what it was: each metric, with its gaps, as if the controller had lived on', async () => {
    const driver = await start();
    driver.silent = true;
    await driver.advance(11 * MINUTE);
    const names = ['$ActiveTasks', '$PendingTaskSlots', '$TaskSlotsPerNode', '$SampleNodeCount'];
    const asked = (name: string) =>
      `${name}.GetSample(${2 * 60} * TimeInterval_Second, TimeInterval_Hour)`;
    const before = await Promise.all(names.map((name) => valueOf(driver, asked(name))));
    await driver.restart();
    expect(await Promise.all(names.map((name) => valueOf(driver, asked(name))))).toEqual(before);
  });

  it('is written once a minute, ten minutes a row, for a day', async () => {
    const driver = await start();
    driver.checks = false;
    await driver.advance(2 * MINUTE);
    const { commits } = driver.store;
    await driver.advance(10 * MINUTE);
    expect(driver.store.commits - commits).toBeLessThanOrEqual(11);
    await driver.advance(30 * HOUR);
    expect(driver.store.rows.sampleWindow.size).toBeGreaterThan(24 * 6);
    expect(driver.store.rows.sampleWindow.size).toBeLessThanOrEqual(25 * 6 + 1);
    await driver.restart();
    expect(await valueOf(driver, '$ActiveTasks.GetSamplePercent(TimeInterval_Day)')).toBe('100');
  });

  it('goes with its pool', async () => {
    const driver = await start();
    await driver.advance(5 * MINUTE);
    await driver.do(poolDelete({ account, poolId }));
    await driver.advance(MINUTE);
    expect(driver.store.rows.sampleWindow.size).toBe(0);
  });

  it('goes with its pool in the very tick that would have written it', async () => {
    const driver = await start();
    await driver.advance(2 * MINUTE);
    // The samples of this minute are due, and the pool goes before they are taken.
    driver.now = (Math.floor(driver.now / MINUTE) + 1) * MINUTE;
    await driver.do(poolDelete({ account, poolId }));
    expect(driver.store.all('pool')).toEqual([]);
    expect(driver.store.all('sampleWindow')).toEqual([]);
  });

  it('loses what a clock that was ahead has left, which would keep every new sample out', async () => {
    const driver = await start();
    driver.wallAheadMs = 48 * HOUR;
    await driver.advance(5 * MINUTE);
    driver.wallAheadMs = 0;
    await driver.restart();
    await driver.addTasks('j', 'c');
    await driver.advance(MINUTE);
    expect(await valueOf(driver, '$ActiveTasks.GetSample(1)')).toBe('[3]');
    const newest = Math.max(...driver.store.all('sampleWindow').map(({ window }) => window));
    expect(newest * 10 * MINUTE).toBeLessThanOrEqual(driver.now);
  });
});
