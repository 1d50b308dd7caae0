import { describe, expect, it } from 'vitest';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const MINUTES = 60_000;

/** A pool with one node whose VM is there and whose agent says nothing. */
async function booting(): Promise<CoreDriver> {
  const driver = await CoreDriver.start();
  driver.provides = false;
  await driver.addPool('p', { targetDedicatedNodes: 1 });
  const { nodeKey, incarnation } = one(driver);
  driver.engine.report({ type: 'nodeProvisioned', nodeKey, incarnation });
  await driver.rest();
  return driver;
}

function one(driver: CoreDriver) {
  const [node] = driver.nodes('p');
  if (node === undefined) throw new Error('no node');
  return { ...node, nodeKey: node.key };
}

/** The agent calls for the first time. */
async function call(driver: CoreDriver): Promise<void> {
  const { nodeKey, incarnation } = one(driver);
  driver.boots.set(nodeKey, { incarnation, sequence: 0, held: new Map() });
  driver.connect(nodeKey, false);
  await driver.rest();
}

const NOT_PREPARED = [{ code: 'NodePreparationError' }];

describe('a node whose guest does not call home', () => {
  it('is unusable after the boot timeout, says what to do, and its pool is steady', async () => {
    const driver = await booting();
    await driver.advance(9 * MINUTES);
    expect(one(driver)).toMatchObject({ state: 'starting', errors: [] });
    await driver.advance(1 * MINUTES);
    expect(one(driver)).toMatchObject({ state: 'unusable', errors: NOT_PREPARED });
    expect(one(driver).errors[0]?.message).toMatch(
      /within 600 s.*GetConsoleLog.*reboot or reimage/,
    );
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady', resizeErrors: [] });
    await driver.advance(60 * MINUTES);
    expect(one(driver)).toMatchObject({ state: 'unusable', incarnation: 1 });
  });

  it('shows the last lines of its console with that error, of this boot only', async () => {
    const driver = await booting();
    await driver.advance(10 * MINUTES);
    const { nodeKey, incarnation } = one(driver);
    const told = (lastLines: string, of = incarnation) => {
      driver.engine.report({ type: 'consoleKept', nodeKey, incarnation: of, lastLines });
      return driver.rest();
    };
    await told('Kernel panic');
    await told('of another boot', incarnation + 1);
    const details = [{ name: 'Console', value: 'Kernel panic' }];
    expect(one(driver).errors).toMatchObject([{ errorDetails: details }]);
    await told('more of it');
    expect(one(driver).errors[0]?.errorDetails).toEqual([{ name: 'Console', value: 'more of it' }]);
  });

  it('says that it stands still for want of room, until it does not', async () => {
    const driver = await booting();
    const { nodeKey, incarnation } = one(driver);
    const told = (more: { message?: string }) => {
      driver.engine.report({ type: 'nodeStalled', nodeKey, incarnation, ...more });
      return driver.rest();
    };
    await told({ message: 'full' });
    await told({ message: 'full still' });
    expect(one(driver).errors).toMatchObject([{ code: 'StorageFull', message: 'full still' }]);
    await told({});
    expect(one(driver)).toMatchObject({ state: 'starting', errors: [] });
  });

  it('works when it calls after all', async () => {
    const driver = await booting();
    await driver.advance(10 * MINUTES);
    await call(driver);
    expect(one(driver)).toMatchObject({ state: 'idle', errors: [] });
  });

  it('leaves when its pool shrinks', async () => {
    const driver = await booting();
    await driver.advance(10 * MINUTES);
    driver.provides = true;
    const body = PoolResize.parse({ targetDedicatedNodes: 0 });
    await driver.do(poolResize({ account: ACCOUNT, poolId: 'p', body }));
    await driver.advance(100);
    expect(driver.nodes('p')).toEqual([]);
  });
});

describe('a VM that ends before its agent reports', () => {
  it('is made again after a pause that doubles, and says so until an agent reports', async () => {
    const driver = await booting();
    const pauses: number[] = [];
    for (let boot = 1; boot <= 4; boot += 1) {
      const { nodeKey, incarnation } = one(driver);
      expect(incarnation).toBe(boot);
      driver.engine.report({ type: 'nodeGone', nodeKey, incarnation });
      await driver.rest();
      expect(one(driver)).toMatchObject({ state: 'unknown', errors: NOT_PREPARED });
      expect(one(driver).errors[0]?.message).toMatch(/ended before the agent in it reported/);
      const since = driver.now;
      while (one(driver).state !== 'creating' && driver.now < since + MINUTES)
        await driver.advance(500);
      pauses.push(driver.now - since);
      expect(one(driver)).toMatchObject({ state: 'creating', errors: NOT_PREPARED });
      const next = { nodeKey, incarnation: incarnation + 1 };
      driver.engine.report({ type: 'nodeProvisioned', ...next });
      await driver.rest();
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
    await call(driver);
    expect(one(driver)).toMatchObject({ state: 'idle', incarnation: 5, errors: [] });
  });
});
