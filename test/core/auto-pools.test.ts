import { describe, expect, it } from 'vitest';
import { jobDelete } from '../../controller/commands/job/delete.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { jobPatch } from '../../controller/commands/job/patch.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { jobScheduleAdd } from '../../controller/commands/job-schedule/add.js';
import { jobScheduleDelete } from '../../controller/commands/job-schedule/delete.js';
import { JobPatch } from '../../protocol/batch/job.js';
import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const pool = {
  vmSize: 'small',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
  targetDedicatedNodes: 1,
};
const auto = (properties: Record<string, unknown> = {}) => ({
  autoPoolSpecification: { poolLifetimeOption: 'job', pool, ...properties },
});
const of = (jobId: string) => ({ account: ACCOUNT, jobId });
const pools = (driver: CoreDriver) => driver.store.all('pool');
const patch = (driver: CoreDriver, poolInfo: object) =>
  driver.do(jobPatch({ ...of('j'), body: JobPatch.parse({ poolInfo }) }));

describe('an auto pool', () => {
  it('is made with its job, runs its tasks and goes when the job completes', async () => {
    const driver = await CoreDriver.start();
    await driver.addJob('j', { poolInfo: auto({ autoPoolIdPrefix: 'mine' }) });
    const [made] = pools(driver);
    expect(made?.id).toMatch(/^mine_[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
    expect(driver.job('j')).toMatchObject({ pool: made?.key, autoPoolId: made?.id });
    await driver.advance(10);
    await driver.addTasks('j', 'a');
    await driver.endTask('a');
    await driver.do(jobTerminate(of('j')));
    expect(driver.job('j')?.state).toBe('completed');
    await driver.advance(10);
    expect(pools(driver)).toEqual([]);
  });

  it('goes with a job that is deleted, and stays where it is to be kept alive', async () => {
    const driver = await CoreDriver.start();
    await driver.addJob('j', { poolInfo: auto() });
    await driver.addJob('kept', { poolInfo: auto({ keepAlive: true }) });
    expect(pools(driver)).toHaveLength(2);
    for (const id of ['j', 'kept']) await driver.do(jobDelete(of(id)));
    await driver.advance(10);
    expect(pools(driver)).toHaveLength(1);
  });

  it('that can not be made ends its job, which says why', async () => {
    const driver = await CoreDriver.start();
    for (const [wrong, code] of [
      [{ vmSize: 'unheard_of' }, 'InvalidAutoPoolSettings'],
      [
        { certificateReferences: [{ thumbprint: 'ab', thumbprintAlgorithm: 'sha1' }] },
        'InvalidCertificatesInAutoPool',
      ],
      [
        { applicationPackageReferences: [{ applicationId: 'none' }] },
        'InvalidApplicationPackageReferencesInAutoPool',
      ],
      [
        { enableAutoScale: true, autoScaleFormula: '$Target =', targetDedicatedNodes: undefined },
        'InvalidAutoScaleFormulaInAutoPool',
      ],
    ] as const) {
      await driver.addJob('j', { poolInfo: auto({ pool: { ...pool, ...wrong } }) });
      expect(driver.job('j')).toMatchObject({
        state: 'completed',
        schedulingError: { category: 'usererror', code },
      });
      expect(pools(driver)).toEqual([]);
      await driver.do(jobDelete(of('j')));
    }
  });

  it('may be kept alive, and nothing else of it changed, while the job is disabled', async () => {
    const driver = await CoreDriver.start();
    await driver.addJob('j', { poolInfo: auto() });
    await patch(driver, auto());
    await expect(patch(driver, auto({ keepAlive: true }))).rejects.toThrow();
    await driver.do(jobDisable({ ...of('j'), body: { disableTasks: 'requeue' } }));
    await expect(patch(driver, { poolId: 'other' })).rejects.toThrow();
    await expect(patch(driver, auto({ autoPoolIdPrefix: 'x' }))).rejects.toThrow();
    await patch(driver, auto({ keepAlive: true }));
    await driver.do(jobTerminate(of('j')));
    await driver.advance(10);
    expect(pools(driver)).toHaveLength(1);
  });

  it('of a schedule is one for all jobs or one for each, and goes with them', async () => {
    for (const poolLifetimeOption of ['jobschedule', 'job']) {
      const driver = await CoreDriver.start({ jobScheduleMinimumIntervalMs: 1_000 });
      const body = JobScheduleAdd.parse({
        id: 's',
        schedule: { recurrenceInterval: 'PT1M' },
        jobSpecification: { poolInfo: auto({ poolLifetimeOption }) },
      });
      await driver.do(jobScheduleAdd({ account: ACCOUNT, body }));
      const [first] = pools(driver);
      await driver.do(jobTerminate(of('s:job-1')));
      await driver.advance(61_000);
      const [second] = pools(driver);
      expect(pools(driver)).toHaveLength(1);
      expect(driver.job('s:job-2')?.pool).toBe(second?.key);
      expect(second?.key === first?.key).toBe(poolLifetimeOption === 'jobschedule');
      await driver.do(jobScheduleDelete({ account: ACCOUNT, jobScheduleId: 's' }));
      await driver.advance(10);
      expect(pools(driver)).toEqual([]);
    }
  });
});

describe('placement', () => {
  it('takes the node that a task is near to, and another one where it is busy', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 3 });
    await driver.addJob('j');
    const ids = driver.nodes('p').map(({ id }) => id);
    const near = (id: string, node = ids[2] ?? '') => ({
      id,
      affinityInfo: { affinityId: `TVM:${node}` },
    });
    await driver.addTasks('j', near('a'), near('b'), near('c', 'tvmps_unheard_of_d'));
    const nodeOf = (id: string) => driver.task('j', id)?.nodeId;
    expect(nodeOf('a')).toBe(ids[2]);
    expect(new Set(['a', 'b', 'c'].map(nodeOf)).size).toBe(3);
  });

  it('keeps a job manager off low-priority nodes if it is told to', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    expect(driver.nodes('p')).toMatchObject([{ isDedicated: false }]);
    expect(driver.nodes('p')[0]?.id).toMatch(/_p$/);
    const manager = { id: 'manager', commandLine: 'x' };
    await driver.addJob('picky', { jobManagerTask: { ...manager, allowLowPriorityNode: false } });
    await driver.addJob('easy', { jobManagerTask: { ...manager, id: 'other' } });
    expect(driver.held.map(({ taskId }) => taskId)).toEqual(['other']);
    await driver.endTask('other');
    expect(driver.held).toEqual([]);
    expect(driver.task('picky', 'manager')?.state).toBe('active');
  });

  it('runs the tasks of a job that moved while disabled in its new pool', async () => {
    const driver = await CoreDriver.start();
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addPool('q', { targetDedicatedNodes: 1 });
    await driver.addJob('j', { jobPreparationTask: { commandLine: 'x' } });
    await driver.addTasks('j', 'a', 'b');
    await driver.endTask('jobpreparation');
    await driver.beginTask('a');
    await expect(patch(driver, { poolId: 'q' })).rejects.toThrow();
    await driver.do(jobDisable({ ...of('j'), body: { disableTasks: 'requeue' } }));
    await patch(driver, { poolId: 'q' });
    await driver.do(jobEnable(of('j')));
    expect(driver.holding('jobpreparation').nodeKey).toBe(driver.nodes('q')[0]?.key);
    await driver.endTask('jobpreparation');
    await driver.endTask('a');
    expect(driver.task('j', 'a')).toMatchObject({ poolId: 'q', execution: { requeueCount: 1 } });
  });
});
