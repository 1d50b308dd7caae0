import { describe, expect, it } from 'vitest';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const account = ACCOUNT;
const resize = (targetDedicatedNodes: number, more: Record<string, unknown> = {}) =>
  poolResize({ account, poolId: 'p', body: PoolResize.parse({ targetDedicatedNodes, ...more }) });
const idsOf = (driver: CoreDriver) => driver.nodes('p').map(({ id }) => id);

describe('a pool that shrinks', () => {
  it('lets nodes with a job manager go last', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    await driver.addJob('managed', {
      jobManagerTask: { id: 'manager', commandLine: '/bin/true', runExclusive: true },
    });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    for (const { taskId } of driver.held) await driver.beginTask(taskId);
    const manager = driver.holding('manager').nodeKey;
    await driver.do(resize(1));
    await driver.advance(100);
    expect(driver.nodes('p').map(({ key }) => key)).toEqual([manager]);
    expect(driver.task('managed', 'manager')).toMatchObject({ state: 'running', attempt: 1 });
  });

  it('lets those go first that booted last, among equals', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.advance(1_000);
    await driver.do(resize(2));
    await driver.advance(1_000);
    const [oldest, younger] = [...driver.nodes('p')].sort(
      (a, b) => (a.lastBootTime ?? 0) - (b.lastBootTime ?? 0),
    );
    await driver.do(computeNodeReboot({ account, poolId: 'p', nodeId: oldest?.id ?? '' }));
    await driver.advance(1_000);
    await driver.do(resize(1));
    await driver.advance(100);
    expect(idsOf(driver)).toEqual([younger?.id]);
  });

  it('lets nodes go first that are not ready yet', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    const ready = idsOf(driver);
    driver.provides = false;
    const [node] = driver.nodes('p');
    if (node === undefined) throw new Error('no node');
    driver.engine.report({ type: 'nodeGone', nodeKey: node.key, incarnation: 1 });
    await driver.rest();
    driver.provides = true;
    await driver.do(resize(1));
    await driver.advance(100);
    expect(idsOf(driver)).toEqual(ready.filter((id) => id !== node.id));
  });

  it('tells in every state since when a node is in it', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    const seen: [string, number][] = [];
    const note = () => {
      const [node] = driver.nodes('p');
      if (node !== undefined) seen.push([node.state, driver.now - node.stateTransitionTime]);
    };
    await driver.advance(5_000);
    await driver.beginTask('a');
    note();
    await driver.advance(5_000);
    await driver.do(resize(0, { nodeDeallocationOption: 'taskcompletion' }));
    await driver.advance(3_000);
    note();
    expect(seen).toEqual([
      ['running', 0],
      ['leavingpool', 3_000],
    ]);
  });
});
