import { describe, expect, it } from 'vitest';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { jobDelete } from '../../controller/commands/job/delete.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskTerminate } from '../../controller/commands/task/terminate.js';
import { NodeReboot } from '../../protocol/batch/node.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const preparation = { commandLine: '/bin/prepare' };
const release = { commandLine: '/bin/release' };
const of = (jobId: string) => ({ account: ACCOUNT, jobId });

async function start(
  job: Record<string, unknown> = {},
  pool: Record<string, unknown> = {},
): Promise<CoreDriver> {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: 1, taskSlotsPerNode: 2, ...pool });
  await driver.addJob('j', { jobPreparationTask: preparation, ...job });
  return driver;
}
const heldIds = (driver: CoreDriver) => driver.held.map(({ taskId }) => taskId).sort();
const statusOf = (driver: CoreDriver) => driver.store.all('jobNode');

describe('a job preparation task', () => {
  it('runs once on a node, before the tasks that wait for it there', async () => {
    const driver = await start();
    await driver.addTasks('j', 'a', 'b', 'c');
    expect(heldIds(driver)).toEqual(['jobpreparation']);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'preparing' });
    expect(driver.job('j')?.taskCounts).toMatchObject({ active: 1, running: 2 });
    await driver.beginTask('jobpreparation');
    await driver.endTask('jobpreparation');
    expect(heldIds(driver)).toEqual(['a', 'b']);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'preparing' });
    await driver.beginTask('a');
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', previousState: 'preparing' });
    await driver.endTask('a');
    expect(heldIds(driver)).toEqual(['b', 'c']);
    await driver.endTask('b');
    await driver.endTask('c');
    expect(driver.job('j')?.taskCounts).toMatchObject({ succeeded: 3 });
    expect(statusOf(driver)).toMatchObject([
      { poolId: 'p', preparation: { state: 'completed', result: 'success', exitCode: 0 } },
    ]);
  });

  it('is tried again as often as its constraints allow', async () => {
    const driver = await start({
      jobPreparationTask: { ...preparation, constraints: { maxTaskRetryCount: 1 } },
    });
    await driver.addTasks('j', 'a');
    await driver.endTask('jobpreparation', { exitCode: 3 });
    expect(heldIds(driver)).toEqual(['jobpreparation']);
    expect(driver.task('j', 'a')?.state).toBe('preparing');
    await driver.endTask('jobpreparation');
    expect(heldIds(driver)).toEqual(['a']);
    expect(statusOf(driver)[0]?.preparation).toMatchObject({ retryCount: 1, result: 'success' });
  });

  it('that fails sends its tasks back and keeps the job off the node', async () => {
    const driver = await start({}, { targetDedicatedNodes: 2 });
    await driver.addTasks('j', 'a');
    const first = driver.holding('jobpreparation').nodeKey;
    await driver.endTask('jobpreparation', { exitCode: 1 });
    const second = driver.holding('jobpreparation').nodeKey;
    expect(second).not.toBe(first);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'preparing', node: second });
    await driver.endTask('jobpreparation', { exitCode: 1 });
    expect(driver.held).toEqual([]);
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'active',
      execution: { retryCount: 0, requeueCount: 0 },
    });
    await driver.addJob('other');
    await driver.addTasks('other', 'x');
    expect(heldIds(driver)).toEqual(['x']);
  });

  it('with waitForSuccess false runs beside the tasks, whatever comes of it', async () => {
    const driver = await start({ jobPreparationTask: { ...preparation, waitForSuccess: false } });
    await driver.addTasks('j', 'a', 'b', 'c');
    expect(heldIds(driver)).toEqual(['a', 'b', 'jobpreparation']);
    await driver.endTask('jobpreparation', { exitCode: 1 });
    await driver.endTask('a');
    expect(heldIds(driver)).toEqual(['b', 'c']);
  });

  it('runs again after a reboot if it is asked to, and always after a reimage', async () => {
    for (const rerun of [true, false]) {
      const driver = await start({
        jobPreparationTask: { ...preparation, rerunOnNodeRebootAfterSuccess: rerun },
      });
      await driver.addTasks('j', 'a');
      await driver.endTask('jobpreparation');
      await driver.endTask('a');
      const [node] = driver.nodes('p');
      await driver.do(
        computeNodeReboot({
          account: ACCOUNT,
          poolId: 'p',
          nodeId: node?.id ?? '',
          body: NodeReboot.parse({}),
        }),
      );
      await driver.advance(100);
      await driver.addTasks('j', 'b');
      expect(heldIds(driver)).toEqual(rerun ? ['jobpreparation'] : ['b']);
    }
  });

  it('is lost with its node and runs again when the node comes back', async () => {
    const driver = await start();
    await driver.addTasks('j', 'a');
    await driver.beginTask('jobpreparation');
    const { nodeKey } = driver.holding('jobpreparation');
    driver.boots.get(nodeKey)?.held.clear();
    driver.connect(nodeKey, false);
    await driver.rest();
    await driver.advance(3_000);
    expect(driver.holding('jobpreparation').attempt).toBe(2);
    await driver.endTask('jobpreparation');
    expect(heldIds(driver)).toEqual(['a']);
  });

  it('is known after a restart of the controller, and so are the tasks that wait', async () => {
    const driver = await start();
    await driver.addTasks('j', 'a');
    await driver.restart();
    await driver.endTask('jobpreparation');
    expect(heldIds(driver)).toEqual(['a']);
    await driver.restart();
    await driver.endTask('a');
    await driver.addTasks('j', 'b');
    expect(heldIds(driver)).toEqual(['b']);
  });

  it('lets go of tasks that are terminated, deleted or disabled while they wait for it', async () => {
    const driver = await start();
    await driver.addTasks('j', 'a', 'b');
    await driver.do(taskTerminate({ ...of('j'), taskId: 'a' }));
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'completed',
      execution: { failureInfo: { code: 'TaskEnded' } },
    });
    await driver.do(taskDelete({ ...of('j'), taskId: 'b' }));
    await driver.addTasks('j', 'c');
    await driver.do(jobDisable({ ...of('j'), body: { disableTasks: 'wait' } }));
    expect(driver.job('j')?.state).toBe('disabled');
    expect(driver.task('j', 'c')).toMatchObject({
      state: 'active',
      execution: { requeueCount: 0 },
    });
    await driver.endTask('jobpreparation');
    expect(driver.held).toEqual([]);
  });

  it('runs on every node of a multi-instance task before any part of it', async () => {
    const driver = await start(
      {},
      { targetDedicatedNodes: 2, taskSlotsPerNode: 1, enableInterNodeCommunication: true },
    );
    const multiInstanceSettings = { numberOfInstances: 2, coordinationCommandLine: 'x' };
    await driver.addTasks('j', { id: 'wide', multiInstanceSettings });
    expect(heldIds(driver)).toEqual(['jobpreparation', 'jobpreparation']);
    await driver.endTask('jobpreparation');
    expect(driver.held).toHaveLength(2);
    await driver.endTask('jobpreparation');
    expect(heldIds(driver)).toEqual(['wide', 'wide:1']);
    const failing = await start(
      {},
      { targetDedicatedNodes: 2, taskSlotsPerNode: 1, enableInterNodeCommunication: true },
    );
    await failing.addTasks('j', { id: 'wide', multiInstanceSettings });
    await failing.endTask('jobpreparation', { exitCode: 1 });
    await failing.endTask('jobpreparation');
    await failing.advance(120_000);
    expect(failing.held).toEqual([]);
    expect(failing.task('j', 'wide')?.state).toBe('active');
  });
});

describe('a job release task', () => {
  const both = { jobReleaseTask: release };

  it('runs on the nodes that ran the preparation when the job ends, and the job waits for it', async () => {
    const driver = await start(both, { targetDedicatedNodes: 3, taskSlotsPerNode: 1 });
    await driver.addTasks('j', 'a', 'b');
    for (let n = 0; n < 2; n += 1) await driver.endTask('jobpreparation');
    await driver.endTask('a');
    await driver.do(jobTerminate(of('j')));
    expect(driver.job('j')?.state).toBe('terminating');
    expect(heldIds(driver)).toEqual(['jobrelease', 'jobrelease']);
    await driver.endTask('jobrelease');
    expect(driver.job('j')?.state).toBe('terminating');
    await driver.endTask('jobrelease', { exitCode: 9 });
    expect(driver.job('j')).toMatchObject({ state: 'completed', terminateReason: 'UserTerminate' });
    expect(
      statusOf(driver)
        .map(({ release }) => release?.exitCode)
        .sort(),
    ).toEqual([0, 9]);
    await driver.do(jobDelete(of('j')));
    expect(driver.held).toEqual([]);
    expect(driver.job('j')).toBeUndefined();
    expect(statusOf(driver)).toEqual([]);
  });

  it('runs when the job is deleted, too', async () => {
    const driver = await start(both);
    await driver.addTasks('j', 'a');
    await driver.endTask('jobpreparation');
    await driver.do(jobDelete(of('j')));
    expect(heldIds(driver)).toEqual(['jobrelease']);
    await driver.endTask('jobrelease');
    expect(driver.job('j')).toBeUndefined();
  });

  it('runs after a preparation that the end of the job cut off', async () => {
    const driver = await start(both);
    await driver.addTasks('j', 'a');
    await driver.beginTask('jobpreparation');
    await driver.do(jobTerminate(of('j')));
    expect(heldIds(driver)).toEqual(['jobrelease']);
    await driver.endTask('jobrelease');
    expect(driver.job('j')?.state).toBe('completed');
    expect(driver.task('j', 'a')?.state).toBe('active');
  });

  it('does not keep a job from its end where nodes are gone or silent', async () => {
    const driver = await start(both);
    await driver.addTasks('j', 'a');
    await driver.endTask('jobpreparation');
    await driver.endTask('a');
    await driver.do(poolDelete({ account: ACCOUNT, poolId: 'p' }));
    await driver.advance(100);
    expect(driver.pool('p')).toBeUndefined();
    await driver.do(jobTerminate(of('j')));
    expect(driver.job('j')?.state).toBe('completed');
    expect(statusOf(driver)).toMatchObject([{ poolId: 'p', preparation: { result: 'success' } }]);

    const silent = await start(both);
    await silent.addTasks('j', 'a');
    await silent.endTask('jobpreparation');
    await silent.endTask('a');
    silent.silent = true;
    await silent.do(jobTerminate(of('j')));
    expect(silent.job('j')?.state).toBe('terminating');
    await silent.advance(10 * 60_000);
    expect(silent.job('j')?.state).toBe('completed');
  });
});
