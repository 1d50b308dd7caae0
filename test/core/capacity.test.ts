import { describe, expect, it } from 'vitest';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { poolEnableAutoScale } from '../../controller/commands/pool/enable-auto-scale.js';
import { poolEvaluateAutoScale } from '../../controller/commands/pool/evaluate-auto-scale.js';
import { poolStopResize } from '../../controller/commands/pool/stop-resize.js';
import { ACCOUNT } from '../support/core-driver.js';
import { host, places, resize, seen, start, states } from '../support/hypervisors.js';

const account = ACCOUNT;

describe('a resize', () => {
  it('fills the hypervisors and says why there are no more nodes, and what helps', async () => {
    const driver = await start([host('a', 8), host('b', 4)]);
    await driver.addPool('p', { targetDedicatedNodes: 5 });
    expect(places(driver, 'p').sort()).toEqual(['a', 'a', 'b']);
    const pool = driver.pool('p');
    expect(pool).toMatchObject({ allocationState: 'steady', targetDedicatedNodes: 5 });
    expect(pool?.resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    const reason = pool?.resizeErrors[0]?.values[0]?.value;
    expect(reason).toMatch(/size small \(4 vCPUs.*a: 0 vCPUs.*b: 0 vCPUs.*overCommit/);
  });

  it('says so when no hypervisor could ever hold a node of the size', async () => {
    const driver = await start([host('a', 2)]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    expect(driver.nodes('p')).toEqual([]);
    const reason = driver.pool('p')?.resizeErrors[0]?.values[0]?.value;
    expect(reason).toMatch(/Choose a smaller vmSize, or add a hypervisor/);
  });

  it('counts memory and disk with data disks, and gives away as often as over-commit says', async () => {
    const overCommit = { vcpus: 1, memory: 2, disk: 1 };
    const driver = await start([
      host('a', undefined, { capacity: { memoryMiB: 1024, diskGiB: 100 }, overCommit }),
    ]);
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    expect(driver.nodes('p')).toHaveLength(2);
    await driver.do(resize('p', { targetDedicatedNodes: 0 }));
    await driver.advance(10);
    await driver.addPool('q', {
      targetDedicatedNodes: 2,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
        dataDisks: [{ lun: 0, diskSizeGB: 60 }],
      },
    });
    expect(driver.nodes('q')).toHaveLength(1);
  });

  it('waits for the word of a hypervisor, and goes by what was found there', async () => {
    const driver = await start([host('a', undefined, { discovered: true })]);
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    expect(driver.pool('p')).toMatchObject({ allocationState: 'resizing', resizeErrors: [] });
    expect(driver.nodes('p')).toEqual([]);
    await seen(driver, 'a', true, { capacity: { vcpus: 8 } });
    await driver.advance(10);
    expect(driver.pool('p')?.resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    expect(driver.nodes('p')).toHaveLength(2);
  });

  it('spreads a zonal pool over hypervisors, and keeps to those with its labels', async () => {
    const driver = await start([host('a', 64), host('b', 64, { labels: { disk: 'ssd' } })]);
    const configuration = (nodePlacementConfiguration: object) => ({
      targetDedicatedNodes: 4,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
        nodePlacementConfiguration,
      },
    });
    await driver.addPool('z', configuration({ policy: 'zonal' }));
    expect(places(driver, 'z').sort()).toEqual(['a', 'a', 'b', 'b']);
    await driver.addPool('l', configuration({ hypervisorLabels: { disk: 'ssd' } }));
    expect(places(driver, 'l')).toEqual(['b', 'b', 'b', 'b']);
    await driver.addPool('n', configuration({ hypervisorLabels: { disk: 'tape' } }));
    expect(driver.pool('n')?.resizeErrors[0]?.values[0]?.value).toMatch(/label disk is not tape/);
  });

  it('has nodes where the network of their pool is, and says which there are elsewhere', async () => {
    const nodeProvider = 'libvirt' as const;
    const driver = await start(
      [
        host('a', 64, { nodeProvider, networks: ['lab', 'dmz'] }),
        host('b', 64, { nodeProvider, networks: [] }),
      ],
      {
        images: [
          {
            ...{ publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
            ...{ nodeAgentSkuId: 'batch.node.process', osType: 'linux', nodeProvider },
            verificationType: 'verified',
          },
        ],
      },
    );
    const onNetwork = (subnetId: string) => ({
      targetDedicatedNodes: 2,
      networkConfiguration: { subnetId },
    });
    await driver.addPool('l', onNetwork('/subscriptions/1/subnets/lab'));
    expect(places(driver, 'l')).toEqual(['a', 'a']);
    await driver.addPool('n', onNetwork('/subscriptions/1/subnets/labb'));
    const told = driver.pool('n')?.resizeErrors[0]?.values[0]?.value;
    expect(told).toContain('it has no network labb (there are: lab, dmz)');
    expect(told).toContain('it has no network labb (there are: none)');
  });

  it('waits for the room of nodes that are about to go', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    driver.provides = false;
    await driver.do(resize('p', { targetDedicatedNodes: 0 }));
    await driver.addPool('q', { targetDedicatedNodes: 1 });
    expect(driver.pool('q')).toMatchObject({ allocationState: 'resizing', resizeErrors: [] });
    driver.provides = true;
    await driver.advance(60_000);
    const [node] = driver.nodes('p');
    if (node !== undefined)
      driver.engine.report({ type: 'nodeGone', nodeKey: node.key, incarnation: node.incarnation });
    await driver.rest();
    await driver.advance(10);
    expect(driver.pool('q')).toMatchObject({ allocationState: 'steady', resizeErrors: [] });
    expect(states(driver, 'q')).toEqual(['idle']);
  });

  it('never waits beyond its timeout for room that does not come', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    driver.provides = false;
    await driver.do(resize('p', { targetDedicatedNodes: 0 }));
    await driver.addPool('q', { targetDedicatedNodes: 1, resizeTimeout: 'PT5M' });
    await driver.advance(5 * 60_000 + 10);
    expect(driver.pool('q')).toMatchObject({
      allocationState: 'steady',
      resizeErrors: [{ code: 'AllocationTimedout' }],
    });
    await driver.advance(15 * 60_000);
    expect(driver.pool('p')?.resizeErrors.map(({ code }) => code)).toEqual([
      'AllocationTimedout',
      'RemoveNodesFailed',
    ]);
  });

  it('of a pool whose nodes talk to each other ends at a hundred nodes', async () => {
    const driver = await start([]);
    await driver.addPool('p', { targetDedicatedNodes: 101, enableInterNodeCommunication: true });
    expect(driver.nodes('p')).toHaveLength(100);
    expect(driver.pool('p')?.resizeErrors[0]?.code).toBe(
      'CommunicationEnabledPoolReachedMaxVMCount',
    );
  });
});

describe('low-priority nodes', () => {
  it('are preempted when a dedicated pool needs the room, and their tasks requeued', async () => {
    const driver = await start([host('a', 8)]);
    await driver.addPool('p', { targetLowPriorityNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    const running = driver.nodes('p').find(({ state }) => state === 'running');
    await driver.addPool('d', { targetDedicatedNodes: 2 });
    await driver.advance(100);
    expect(states(driver, 'd')).toEqual(['idle', 'idle']);
    expect(driver.pool('d')?.resizeErrors).toEqual([]);
    expect(states(driver, 'p')).toEqual(['preempted', 'preempted']);
    expect(driver.nodes('p').map(({ id }) => id)).toContain(running?.id);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active' });
    expect(driver.pool('p')).toMatchObject({ targetLowPriorityNodes: 2 });
  });

  it('go as few as are needed, idle ones first, and dedicated ones never', async () => {
    const driver = await start([host('a', 12)]);
    await driver.addPool('p', { targetDedicatedNodes: 1, targetLowPriorityNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    for (const { taskId } of driver.held) await driver.beginTask(taskId);
    const busy = new Set(driver.held.map(({ nodeKey }) => nodeKey));
    const idle = driver.nodes('p').find(({ key }) => !busy.has(key));
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    await driver.advance(100);
    const preempted = driver.nodes('p').filter(({ state }) => state === 'preempted');
    expect(preempted).toHaveLength(1);
    expect(preempted[0]?.isDedicated).toBe(false);
    if (idle?.isDedicated === false) expect(preempted[0]?.id).toBe(idle.id);
    await driver.do(resize('d', { targetDedicatedNodes: 5 }));
    await driver.advance(100);
    expect(driver.nodes('d')).toHaveLength(2);
    expect(driver.pool('d')?.resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    expect(driver.nodes('p').filter(({ isDedicated }) => isDedicated)).toMatchObject([
      { state: 'running' },
    ]);
  });

  it('come back as themselves when there is room again, through a resize of their pool', async () => {
    const driver = await start([host('a', 8)]);
    await driver.addPool('p', { targetLowPriorityNodes: 2 });
    const ids = driver.nodes('p').map(({ id }) => id);
    await driver.addPool('d', { targetDedicatedNodes: 2 });
    await driver.advance(100);
    await driver.do(resize('d', { targetDedicatedNodes: 1 }));
    await driver.advance(100);
    expect(states(driver, 'p')).toEqual(['idle', 'preempted']);
    await driver.do(poolDelete({ account, poolId: 'd' }));
    await driver.advance(100);
    expect(states(driver, 'p')).toEqual(['idle', 'idle']);
    expect(driver.nodes('p').map(({ id, incarnation }) => ({ id, incarnation }))).toEqual(
      ids.map((id) => ({ id, incarnation: 2 })),
    );
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady', resizeErrors: [] });
  });

  it('count as preempted for formulas, and as nodes of their pool', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    await driver.advance(100);
    const formula =
      'gone = $PreemptedNodeCount.GetSample(1); all = $CurrentLowPriorityNodes.GetSample(1);';
    await driver.do(
      poolEnableAutoScale({ account, poolId: 'p', body: { autoScaleFormula: formula } }),
    );
    await driver.advance(100);
    const run = await driver.do(
      poolEvaluateAutoScale({ account, poolId: 'p', body: { autoScaleFormula: formula } }),
    );
    expect(run.results).toMatch(/all=\[1\];gone=\[1\]/);
  });

  it('that are away go first when their pool shrinks, and leave nothing behind', async () => {
    const driver = await start([host('a', 8)]);
    await driver.addPool('p', { targetLowPriorityNodes: 2 });
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    await driver.advance(100);
    await driver.do(resize('p', { targetLowPriorityNodes: 1 }));
    await driver.advance(100);
    expect(states(driver, 'p')).toEqual(['idle']);
    await driver.do(poolDelete({ account, poolId: 'p' }));
    await driver.advance(100);
    expect(driver.pool('p')).toBeUndefined();
  });

  it('are refused, not queued, where only dedicated nodes could make room', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      resizeErrors: [{ code: 'AllocationFailed' }],
    });
  });

  it('are still preempted when the controller dies while it waits for their tasks', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    driver.provides = false;
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    expect(states(driver, 'p')).toEqual(['preempted']);
    driver.provides = true;
    await driver.restart();
    await driver.advance(1_000);
    expect(states(driver, 'd')).toEqual(['idle']);
    expect(states(driver, 'p')).toEqual(['preempted']);
    expect(driver.nodes('p')[0]).not.toHaveProperty('preempting');
    await driver.restart();
    await driver.do(resize('d', { targetDedicatedNodes: 0 }));
    await driver.advance(1_000);
    expect(states(driver, 'p')).toEqual(['idle']);
  });

  it('do not restart by hand while they are away', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    await driver.advance(100);
    const nodeId = driver.nodes('p')[0]?.id ?? '';
    await expect(
      driver.do(computeNodeReboot({ account, poolId: 'p', nodeId })),
    ).rejects.toMatchObject({ code: 'NodeNotReady' });
  });

  it('stay preempted for a dedicated resize that is stopped only until the room is found free', async () => {
    const driver = await start([host('a', 4)]);
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    driver.provides = false;
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    await driver.do(poolStopResize({ account, poolId: 'd' }));
    driver.provides = true;
    await driver.restart();
    await driver.advance(1_000);
    expect(driver.nodes('d')).toEqual([]);
    expect(states(driver, 'p')).toEqual(['idle']);
  });
});
