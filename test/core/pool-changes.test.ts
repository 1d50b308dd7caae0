import { describe, expect, it } from 'vitest';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { computeNodeReimage } from '../../controller/commands/compute-node/reimage.js';
import { poolPatch } from '../../controller/commands/pool/patch.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { poolUpdateProperties } from '../../controller/commands/pool/update-properties.js';
import { poolUpgradeImage } from '../../controller/commands/pool/upgrade-image.js';
import { pendingChanges } from '../../controller/queries/compute-node/pending-changes.js';
import {
  PoolPatch,
  PoolResize,
  PoolUpdateProperties,
  PoolUpgradeImage,
} from '../../protocol/batch/pool.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const account = ACCOUNT;
const IMAGE = { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' };
const NEXT = { ...IMAGE, sku: 'next', version: '2' };
const withImages = () =>
  CoreDriver.start({
    images: [IMAGE, NEXT, { ...NEXT, sku: 'vm' }].map((image) => ({
      ...image,
      nodeAgentSkuId: 'batch.node.process',
      osType: 'linux' as const,
      verificationType: 'verified' as const,
      nodeProvider: image.sku === 'vm' ? ('libvirt' as const) : ('process' as const),
    })),
  });
const patch = (body: Record<string, unknown>) =>
  poolPatch({ account, poolId: 'p', body: PoolPatch.parse(body) });
const upgrade = (body: Record<string, unknown> = {}) =>
  poolUpgradeImage({
    account,
    poolId: 'p',
    body: PoolUpgradeImage.parse({ imageReference: NEXT, ...body }),
  });
const pendingOf = (driver: CoreDriver) => {
  const pool = driver.pool('p');
  return driver.nodes('p').map((node) => (pool === undefined ? [] : pendingChanges(node, pool)));
};
const startTask = { commandLine: '/bin/true', waitForSuccess: false };

describe('a change of what nodes take when they boot', () => {
  it('waits on each node for its next boot, and the node says so', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    expect(pendingOf(driver)).toEqual([[], []]);
    await driver.do(patch({ startTask }));
    expect(pendingOf(driver)).toEqual([['startTask'], ['startTask']]);
    expect(driver.nodes('p').map((node) => node.poolVersion)).toEqual([1, 1]);
    const nodeId = driver.nodes('p')[0]?.id ?? '';
    await driver.do(computeNodeReboot({ account, poolId: 'p', nodeId }));
    await driver.advance(100);
    expect(pendingOf(driver)).toEqual([[], ['startTask']]);
    expect(driver.nodes('p').map((node) => node.poolVersion)).toEqual([2, 1]);
  });

  it('counts only what really changed, and nothing that nodes take at once', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1, startTask });
    await driver.do(patch({ metadata: [{ name: 'a', value: 'b' }], startTask }));
    expect(pendingOf(driver)).toEqual([[]]);
    await driver.do(
      poolUpdateProperties({ account, poolId: 'p', body: PoolUpdateProperties.parse({}) }),
    );
    expect(pendingOf(driver)[0]).toContain('startTask');
  });

  it('is there at once for nodes that are made later, and is remembered over a restart', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.do(patch({ startTask }));
    await driver.restart();
    expect(pendingOf(driver)).toEqual([['startTask']]);
    const body = PoolResize.parse({ targetDedicatedNodes: 2 });
    await driver.do(poolResize({ account, poolId: 'p', body }));
    await driver.advance(100);
    expect(
      pendingOf(driver)
        .map((one) => one.length)
        .sort(),
    ).toEqual([0, 1]);
  });
});

describe("an upgrade of a pool's image", () => {
  it('reimages so many nodes at a time, requeues their tasks and ends', async () => {
    const driver = await withImages();
    await driver.addPool('p', { targetDedicatedNodes: 4 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    driver.provides = false;
    await driver.do(upgrade({ maxParallelNodes: 2 }));
    const states = () => driver.nodes('p').map(({ state }) => state);
    await driver.advance(100);
    expect(states().filter((state) => state === 'reimaging')).toHaveLength(2);
    expect(Object.keys(driver.pool('p')?.imageUpgrade?.nodes ?? {})).toHaveLength(4);
    await driver.advance(60_000);
    expect(states().filter((state) => state === 'reimaging')).toHaveLength(2);
    driver.provides = true;
    await driver.restart();
    await driver.advance(10_000);
    expect(driver.nodes('p').map(({ incarnation }) => incarnation)).toEqual([2, 2, 2, 2]);
    expect(driver.pool('p')).not.toHaveProperty('imageUpgrade');
    expect(pendingOf(driver)).toEqual([[], [], [], []]);
    expect(driver.pool('p')?.specification.virtualMachineConfiguration?.imageReference.sku).toBe(
      'next',
    );
    expect(driver.task('j', 'a')?.state).not.toBe('completed');
  });

  it('waits for a node that is emptied though nobody could make it now, and takes no other meanwhile', async () => {
    const driver = await withImages();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.beginTask('b');
    driver.provides = false;
    await driver.do(upgrade({ maxParallelNodes: 1, nodeReimageOption: 'taskcompletion' }));
    await driver.advance(100);
    const states = () =>
      driver
        .nodes('p')
        .map(({ state }) => state)
        .sort();
    expect(states()).toEqual(['reimaging', 'running']);
    const emptied = driver.nodes('p').find(({ state }) => state === 'reimaging');
    if (emptied === undefined) throw new Error('no node is emptied');
    const failure = { code: 'AllocationFailed', message: 'its hypervisor does not answer' };
    const { key: nodeKey, incarnation } = emptied;
    driver.engine.report({ type: 'nodeProvisionFailed', nodeKey, incarnation, ...failure });
    await driver.advance(60_000);
    expect(states()).toEqual(['reimaging', 'running']);
    expect(driver.holding('a')).toMatchObject({ attempt: 1 });
  });

  it('stops at nodes that do not come back, so that a bad image takes one wave and no more', async () => {
    const driver = await withImages();
    await driver.addPool('p', { targetDedicatedNodes: 5 });
    driver.provides = false;
    await driver.do(upgrade({ maxParallelNodes: 1 }));
    const [node] = driver.nodes('p').filter(({ state }) => state === 'reimaging');
    if (node === undefined) throw new Error('no node is reimaged');
    driver.engine.report({ type: 'nodeProvisioned', nodeKey: node.key, incarnation: 2 });
    // Its agent never calls.
    await driver.advance(20 * 60_000);
    const after = driver.nodes('p');
    expect(after.find(({ id }) => id === node.id)?.state).toBe('unusable');
    expect(after.filter(({ state }) => state === 'idle')).toHaveLength(4);
    expect(after.filter(({ imageReference }) => imageReference !== undefined)).toHaveLength(4);
  });

  it('leaves a node that is only rebooted with the image of its disk', async () => {
    const driver = await withImages();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    driver.provides = false;
    await driver.do(upgrade({ maxParallelNodes: 1 }));
    const waiting = driver.nodes('p').find(({ state }) => state === 'idle');
    const nodeId = waiting?.id ?? '';
    await driver.do(computeNodeReboot({ account, poolId: 'p', nodeId }));
    await driver.advance(100);
    const rebooted = () => driver.nodes('p').find(({ id }) => id === nodeId);
    expect(rebooted()).toMatchObject({ incarnation: 2, imageReference: { sku: 'local' } });
    driver.provides = true;
    await driver.restart();
    await driver.advance(1_000);
    await driver.do(computeNodeReimage({ account, poolId: 'p', nodeId }));
    await driver.advance(1_000);
    expect(rebooted()).not.toHaveProperty('imageReference');
  });

  it('is one at a time, to an image that is there and of the same provider', async () => {
    const driver = await withImages();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    for (const imageReference of [
      { ...NEXT, sku: 'other' },
      { ...NEXT, sku: 'vm' },
    ])
      await expect(driver.do(upgrade({ imageReference }))).rejects.toMatchObject({
        code: 'InvalidPropertyValue',
      });
    driver.provides = false;
    await driver.do(upgrade());
    await expect(driver.do(upgrade())).rejects.toMatchObject({
      code: 'UpgradePoolVersionConflict',
    });
  });
});
