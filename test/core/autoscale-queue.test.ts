import { describe, expect, it } from 'vitest';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { PoolAdd } from '../../protocol/batch/pool.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const FORMULA = '$TargetDedicatedNodes = min(3, $PendingTasks.GetSample(1));';
async function scaled(properties: object = { autoScaleOnQueueChange: true }) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', {
    enableAutoScale: true,
    autoScaleFormula: FORMULA,
    autoScaleEvaluationInterval: 'PT1H',
    ...properties,
  });
  await driver.addJob('j');
  await driver.advance(60_000);
  return driver;
}
const target = (driver: CoreDriver) => driver.pool('p')?.targetDedicatedNodes;

describe('a pool with autoScaleOnQueueChange', () => {
  it('grows in the instant in which tasks come, and shrinks soon after they end', async () => {
    const driver = await scaled();
    expect(target(driver)).toBe(0);
    await driver.addTasks('j', 'a', 'b');
    expect(target(driver)).toBe(2);
    await driver.advance(6_000);
    expect(driver.held).toHaveLength(2);
    await driver.endTask('a');
    await driver.endTask('b');
    await driver.advance(12_000);
    expect(target(driver)).toBe(0);
    await driver.do(jobTerminate({ account, jobId: 'j' }));
  });
  it('evaluates at most once in five seconds, and at its interval besides', async () => {
    const driver = await scaled();
    const times = new Set<number | undefined>();
    for (let n = 0; n < 40; n += 1) {
      await driver.addTasks('j', `t${n}`);
      await driver.advance(500);
      times.add(driver.pool('p')?.autoScale?.run?.timestamp);
    }
    expect(times.size).toBeGreaterThan(2);
    expect(times.size).toBeLessThanOrEqual(6);
    const last = driver.pool('p')?.autoScale?.run?.timestamp ?? 0;
    await driver.advance(2 * 3_600_000);
    expect(driver.pool('p')?.autoScale?.run?.timestamp).toBeGreaterThan(last + 3_000_000);
  });
  it('is one that asked for it: others keep to their interval', async () => {
    const driver = await scaled({});
    await driver.addTasks('j', 'a');
    await driver.advance(60_000);
    expect(target(driver)).toBe(0);
  });
  it('must scale itself', () => {
    const body = {
      id: 'p',
      vmSize: 'small',
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
      },
      autoScaleOnQueueChange: true,
    };
    expect(PoolAdd.safeParse(body).error?.issues[0]?.path).toEqual(['autoScaleOnQueueChange']);
  });
});
