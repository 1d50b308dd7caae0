import { describe, expect, it } from 'vitest';
import { batchAccountUpdate } from '../../controller/commands/batch-account/update.js';
import { computeNodeDisableScheduling } from '../../controller/commands/compute-node/disable-scheduling.js';
import { computeNodeEnableScheduling } from '../../controller/commands/compute-node/enable-scheduling.js';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { nodeEnrol } from '../../controller/commands/node/enrol.js';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { poolRemoveNodes } from '../../controller/commands/pool/remove-nodes.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { poolStopResize } from '../../controller/commands/pool/stop-resize.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { NodeRemove } from '../../protocol/batch/node.js';
import { formatDuration, INFINITE_DURATION } from '../../protocol/time.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const account = ACCOUNT;
const resize = (body: Record<string, unknown>) =>
  poolResize({ account, poolId: 'p', body: PoolResize.parse(body) });

describe('a pool', () => {
  it('is resizing when its add is answered, even to no nodes, and steady soon after', async () => {
    const driver = await CoreDriver.start();
    driver.now += 1000;
    const added = driver.addPool('p');
    await driver.rest();
    expect(driver.pool('p')).toMatchObject({ state: 'active', allocationState: 'resizing' });
    await added;
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady', resizeErrors: [] });
  });

  it('makes as many nodes as its targets say', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2, targetLowPriorityNodes: 1 });
    expect(driver.nodes('p').map((node) => node.state)).toEqual(['idle', 'idle', 'idle']);
    expect(driver.nodes('p').map((node) => node.id.replace(/[0-9a-f]{64}/, '…'))).toEqual([
      'tvmps_…_d',
      'tvmps_…_d',
      'tvmps_…_p',
    ]);
  });

  it('refuses a second add, an unknown image and an unknown size without leaving anything', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p');
    await expect(driver.addPool('P')).rejects.toMatchObject({ code: 'PoolExists' });
    await expect(driver.addPool('q', { vmSize: 'huge' })).rejects.toMatchObject({
      code: 'InvalidPropertyValue',
    });
    expect(driver.store.all('pool').map((pool) => pool.id)).toEqual(['p']);
  });

  it('with taskcompletion lets the running task finish before its node goes', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.beginTask('b');
    await driver.do(resize({ targetDedicatedNodes: 1, nodeDeallocationOption: 'taskcompletion' }));
    await driver.advance(1000);
    expect(
      driver
        .nodes('p')
        .map((node) => node.state)
        .sort(),
    ).toEqual(['leavingpool', 'running']);
    expect(driver.pool('p')).toMatchObject({ allocationState: 'resizing' });
    const leaving = driver.nodes('p').find((node) => node.state === 'leavingpool');
    const task = driver.held.find((one) => one.nodeKey === leaving?.key);
    await driver.endTask(task?.taskId ?? '');
    await driver.advance(10);
    expect(driver.nodes('p')).toHaveLength(1);
    expect(driver.task('j', task?.taskId ?? '')).toMatchObject({
      state: 'completed',
      execution: { result: 'success' },
    });
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady' });
  });

  it('with requeue kills the task and runs it elsewhere, with terminate completes it', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.do(resize({ targetDedicatedNodes: 0 }));
    await driver.advance(10);
    expect(driver.nodes('p')).toEqual([]);
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'active',
      execution: { requeueCount: 1 },
    });
    await driver.do(resize({ targetDedicatedNodes: 1 }));
    await driver.advance(10);
    await driver.beginTask('a');
    await driver.do(resize({ targetDedicatedNodes: 0, nodeDeallocationOption: 'terminate' }));
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      execution: { failureInfo: { code: 'TaskEnded' } },
    });
  });

  it('picks idle nodes first when it shrinks', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    await driver.do(resize({ targetDedicatedNodes: 1 }));
    await driver.advance(10);
    expect(driver.nodes('p').map((node) => node.state)).toEqual(['running']);
  });

  it('keeps what it has when a resize is stopped, with ResizeStopped', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await expect(driver.do(resize({ targetDedicatedNodes: 1 }))).rejects.toMatchObject({
      code: 'PoolBeingResized',
    });
    await driver.do(poolStopResize({ account, poolId: 'p' }));
    await driver.advance(10);
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      targetDedicatedNodes: 2,
      resizeErrors: [{ code: 'ResizeStopped' }],
    });
    await expect(driver.do(poolStopResize({ account, poolId: 'p' }))).rejects.toMatchObject({
      code: 'OperationInvalidForCurrentState',
    });
  });

  it('may give a resize all the time there is, which a restart does not end', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 1, resizeTimeout: INFINITE_DURATION });
    await driver.restart();
    await driver.advance(24 * 3_600_000);
    expect(driver.pool('p')?.allocationState).toBe('resizing');
    expect(formatDuration(driver.pool('p')?.resize.timeoutMs ?? 0)).toBe(INFINITE_DURATION);
  });

  it('ends a resize that takes too long with AllocationTimedout', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 1, resizeTimeout: 'PT5M' });
    await driver.advance(5 * 60_000 + 10);
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      resizeErrors: [{ code: 'AllocationTimedout' }],
    });
  });

  it('says so when the quota of cores is reached', async () => {
    const driver = await CoreDriver.start();
    await driver.do(batchAccountUpdate({ account, quotas: { dedicatedCores: 8 } }));
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    expect(driver.nodes('p')).toHaveLength(2);
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      resizeErrors: [{ code: 'AccountCoreQuotaReached' }],
    });
  });

  it('ends steady with the error when a node cannot be made, and the node goes', async () => {
    const driver = await CoreDriver.start();
    driver.provides = false;
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const [node] = driver.nodes('p');
    driver.engine.report({
      type: 'nodeProvisionFailed',
      nodeKey: node?.key as never,
      incarnation: 1,
      code: 'AllocationFailed',
      message: 'no room',
    });
    await driver.advance(10);
    expect(driver.nodes('p')).toEqual([]);
    expect(driver.pool('p')).toMatchObject({
      allocationState: 'steady',
      resizeErrors: [{ code: 'AllocationFailed' }],
    });
  });

  it('removes the nodes that are named and lowers its target', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    const id = driver.nodes('p')[1]?.id ?? '';
    await driver.do(
      poolRemoveNodes({ account, poolId: 'p', body: NodeRemove.parse({ nodeList: [id] }) }),
    );
    await driver.advance(10);
    expect(driver.nodes('p').map((node) => node.id)).not.toContain(id);
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady', targetDedicatedNodes: 1 });
  });

  it('is gone once its nodes are, and its tasks wait for another pool of that name', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    await driver.do(poolDelete({ account, poolId: 'p' }));
    await driver.advance(10);
    expect(driver.pool('p')).toBeUndefined();
    expect(driver.store.all('node')).toEqual([]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    expect(driver.holding('a')).toMatchObject({ attempt: 2 });
  });
});

describe('a node', () => {
  it('enrols once for each incarnation', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const nodeKey = driver.nodes('p')[0]?.key as never;
    const enrol = (incarnation: number, secretHash: string) =>
      driver.do(nodeEnrol({ nodeKey, incarnation, secretHash, agentVersion: '1' }));
    await enrol(1, 'aa');
    await enrol(1, 'aa');
    await expect(enrol(1, 'bb')).rejects.toMatchObject({ code: 'AuthenticationFailed' });
    await expect(enrol(2, 'aa')).rejects.toMatchObject({ code: 'AuthenticationFailed' });
  });

  it('waits for its start task and fails with it', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1, startTask: { commandLine: 'x' } });
    const nodeKey = driver.nodes('p')[0]?.key as never;
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'waitingforstarttask' });
    driver.say(nodeKey, { type: 'startTaskStarted', startTime: driver.now, retryCount: 0 });
    driver.say(nodeKey, {
      type: 'startTaskEnded',
      retryCount: 0,
      final: true,
      outcome: { endTime: driver.now, exitCode: 3 },
    });
    await driver.rest();
    expect(driver.nodes('p')[0]).toMatchObject({
      state: 'starttaskfailed',
      startTaskInfo: { state: 'completed', result: 'failure', exitCode: 3 },
    });
  });

  it('whose lease ends without a word is unknown, and only then its task runs elsewhere', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    driver.silent = true;
    await driver.advance(driver.settings.leaseMs + driver.settings.leaseGraceMs - 1);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', attempt: 1 });
    await driver.advance(2);
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'active',
      attempt: 1,
      execution: { requeueCount: 0, retryCount: 0 },
    });
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'unknown' });
    const old = driver.holding('a');
    driver.silent = false;
    driver.heartbeats();
    await driver.rest();
    expect(driver.task('j', 'a')).toMatchObject({ attempt: 2 });
    driver.end(old.nodeKey, { taskKey: old.taskKey, attempt: 1 });
    await driver.rest();
    expect(driver.task('j', 'a')).toMatchObject({ state: 'active', attempt: 2 });
  });

  it('that stays silent for as long as a boot may take is made again as its next incarnation', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const { leaseMs, leaseGraceMs, bootTimeoutMs } = driver.settings;
    driver.silent = true;
    await driver.advance(leaseMs + leaseGraceMs + 1);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'unknown', incarnation: 1 });
    await driver.advance(bootTimeoutMs - 1_000);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'unknown', incarnation: 1 });
    await driver.advance(31_000);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'starting', incarnation: 2 });
  });

  it('keeps its running tasks over a restart of the controller', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    await driver.restart();
    await driver.advance(10_000);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', attempt: 1 });
    await driver.endTask('a');
    expect(driver.holding('b')).toMatchObject({ attempt: 1 });
  });

  it('is sent again what it never received, and loses what it forgot', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('b');
    for (const boot of driver.boots.values()) boot.held.clear();
    await driver.restart();
    expect(driver.holding('a')).toMatchObject({ attempt: 1 });
    expect(driver.holding('b')).toMatchObject({ attempt: 2 });
  });

  it('whose agent comes back knowing nothing is prepared anew, and its tasks get a new attempt', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    const { nodeKey } = driver.holding('a');
    // It may have begun the attempt before it forgot everything: the same number must not begin twice.
    driver.boots.get(nodeKey)?.held.clear();
    driver.connect(nodeKey, false);
    await driver.rest();
    expect(driver.holding('a')).toMatchObject({ attempt: 2 });
    expect(driver.nodes('p')).toMatchObject([{ state: 'idle', incarnation: 1 }]);
  });

  it('that restarts and can not be made during a resize is not given up: it may have tasks', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    const { nodeKey } = driver.holding('a');
    const nodeId = driver.nodes('p')[0]?.id ?? '';
    const body = { nodeRebootOption: 'taskcompletion' as const };
    await driver.do(computeNodeReboot({ account, poolId: 'p', nodeId, body }));
    driver.provides = false;
    await driver.do(resize({ targetDedicatedNodes: 2 }));
    driver.engine.report({
      ...{ type: 'nodeProvisionFailed', nodeKey, incarnation: 1 },
      ...{ code: 'AllocationFailed', message: 'no room' },
    });
    await driver.rest();
    expect(driver.nodes('p').map((node) => node.id)).toContain(nodeId);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', attempt: 1 });
  });

  it('that is gone is made again as its next incarnation after a pause', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const nodeKey = driver.nodes('p')[0]?.key as never;
    driver.boots.delete(nodeKey);
    driver.engine.report({ type: 'nodeGone', nodeKey, incarnation: 1 });
    await driver.rest();
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'unknown', incarnation: 1 });
    await driver.advance(1100);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'idle', incarnation: 2 });
  });

  it('reboots as its next incarnation once its tasks are dealt with', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    const nodeId = driver.nodes('p')[0]?.id ?? '';
    await driver.do(
      computeNodeReboot({
        account,
        poolId: 'p',
        nodeId,
        body: { nodeRebootOption: 'taskcompletion' },
      }),
    );
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'rebooting', incarnation: 1 });
    await driver.endTask('a');
    await driver.advance(10);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'idle', incarnation: 2 });
    expect(driver.task('j', 'a')).toMatchObject({ state: 'completed' });
  });

  it('with scheduling disabled goes offline and takes nothing until it is enabled', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const nodeId = driver.nodes('p')[0]?.id ?? '';
    await driver.do(computeNodeDisableScheduling({ account, poolId: 'p', nodeId }));
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'offline', schedulingState: 'disabled' });
    expect(driver.held).toEqual([]);
    await driver.do(computeNodeEnableScheduling({ account, poolId: 'p', nodeId }));
    expect(driver.holding('a')).toMatchObject({ attempt: 1 });
  });
});
