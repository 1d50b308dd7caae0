import { describe, expect, it } from 'vitest';
import { certificateAdd } from '../../controller/commands/certificate/add.js';
import { certificateCancelDeletion } from '../../controller/commands/certificate/cancel-deletion.js';
import { certificateDelete } from '../../controller/commands/certificate/delete.js';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { jobScheduleAdd } from '../../controller/commands/job-schedule/add.js';
import { jobScheduleDelete } from '../../controller/commands/job-schedule/delete.js';
import { jobScheduleDisable } from '../../controller/commands/job-schedule/disable.js';
import { jobScheduleEnable } from '../../controller/commands/job-schedule/enable.js';
import { jobScheduleTerminate } from '../../controller/commands/job-schedule/terminate.js';
import { poolPatch } from '../../controller/commands/pool/patch.js';
import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { PoolPatch } from '../../protocol/batch/pool.js';
import { jobScheduleKey } from '../../protocol/keys.js';
import { formatTime } from '../../protocol/time.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

const account = ACCOUNT;
const MINUTE = 60_000;

async function withSchedule(schedule: Record<string, unknown>, job: Record<string, unknown> = {}) {
  const driver = await CoreDriver.start();
  const body = JobScheduleAdd.parse({
    id: 's',
    schedule,
    jobSpecification: { poolInfo: { poolId: 'p' }, ...job },
  });
  await driver.do(jobScheduleAdd({ account, body }));
  return driver;
}
const scheduleOf = (driver: CoreDriver) =>
  driver.store.get('jobSchedule', jobScheduleKey(account, 's'));
const jobsOf = (driver: CoreDriver) =>
  driver.store.all('job').map((job) => `${job.id} ${job.state}`);
const end = (driver: CoreDriver, jobId: string) => driver.do(jobTerminate({ account, jobId }));

describe('a job schedule', () => {
  it('that is due makes its first job at once, the next one interval later', async () => {
    const driver = await withSchedule({ recurrenceInterval: 'PT1M' });
    expect(jobsOf(driver)).toEqual(['s:job-1 active']);
    expect(driver.job('s:job-1')).toMatchObject({ folder: 's/job-1' });
    expect(scheduleOf(driver)).toMatchObject({
      nextRunTime: driver.now + MINUTE,
      recentJob: { id: 's:job-1' },
    });
    await end(driver, 's:job-1');
    await driver.advance(MINUTE);
    expect(jobsOf(driver)).toEqual(['s:job-1 completed', 's:job-2 active']);
  });

  it('never has two active jobs: the next waits for the last one to end', async () => {
    const driver = await withSchedule({ recurrenceInterval: 'PT1M' });
    await driver.advance(5 * MINUTE);
    expect(jobsOf(driver)).toEqual(['s:job-1 active']);
    await end(driver, 's:job-1');
    expect(jobsOf(driver)).toEqual(['s:job-1 completed', 's:job-2 active']);
    expect(scheduleOf(driver)?.nextRunTime).toBeGreaterThan(driver.now);
  });

  it('loses an occurrence whose start window has passed', async () => {
    const driver = await withSchedule({ recurrenceInterval: 'PT10M', startWindow: 'PT2M' });
    await driver.advance(13 * MINUTE);
    await end(driver, 's:job-1');
    expect(jobsOf(driver)).toEqual(['s:job-1 completed']);
    await driver.advance(7 * MINUTE);
    expect(jobsOf(driver)).toEqual(['s:job-1 completed', 's:job-2 active']);
  });

  it('without an interval makes one job and ends with it', async () => {
    const driver = await withSchedule({});
    await end(driver, 's:job-1');
    expect(scheduleOf(driver)).toMatchObject({ state: 'completed' });
  });

  it('that is not due yet waits, and ends after doNotRunAfter', async () => {
    const driver = await CoreDriver.start();
    const at = (ms: number) => formatTime(driver.now + ms);
    const schedule = {
      doNotRunUntil: at(5 * MINUTE),
      doNotRunAfter: at(7 * MINUTE),
      recurrenceInterval: 'PT1M',
    };
    const body = JobScheduleAdd.parse({
      id: 's',
      schedule,
      jobSpecification: { poolInfo: { poolId: 'p' } },
    });
    await driver.do(jobScheduleAdd({ account, body }));
    expect(jobsOf(driver)).toEqual([]);
    await driver.advance(5 * MINUTE);
    expect(jobsOf(driver)).toEqual(['s:job-1 active']);
    await driver.advance(5 * MINUTE);
    expect(scheduleOf(driver)).toMatchObject({ state: 'active' });
    await end(driver, 's:job-1');
    expect(scheduleOf(driver)).toMatchObject({ state: 'completed' });
    expect(jobsOf(driver)).toEqual(['s:job-1 completed']);
  });

  it('whose last job is over stays active until doNotRunAfter', async () => {
    const after = new CoreDriver().now + 7 * MINUTE;
    const doNotRunAfter = formatTime(after);
    const driver = await withSchedule({ recurrenceInterval: 'PT5M', doNotRunAfter });
    await end(driver, 's:job-1');
    await driver.advance(5 * MINUTE);
    await end(driver, 's:job-2');
    expect(scheduleOf(driver)).toMatchObject({ state: 'active' });
    expect(scheduleOf(driver)?.nextRunTime).toBeUndefined();
    await driver.advance(2 * MINUTE + 1);
    expect(scheduleOf(driver)).toMatchObject({ state: 'completed', endTime: after + 1 });
  });

  it('makes nothing while disabled and goes on when enabled', async () => {
    const driver = await withSchedule({ recurrenceInterval: 'PT1M' });
    await end(driver, 's:job-1');
    await driver.do(jobScheduleDisable({ account, jobScheduleId: 's' }));
    await driver.advance(3 * MINUTE);
    expect(jobsOf(driver)).toHaveLength(1);
    await driver.do(jobScheduleEnable({ account, jobScheduleId: 's' }));
    await driver.advance(MINUTE);
    expect(jobsOf(driver)).toHaveLength(2);
  });

  it('terminates its job with it, and is deleted with all its jobs', async () => {
    const driver = await withSchedule({ recurrenceInterval: 'PT1M' });
    await driver.do(jobScheduleTerminate({ account, jobScheduleId: 's' }));
    expect(driver.job('s:job-1')).toMatchObject({
      state: 'completed',
      terminateReason: 'TerminateJobSchedule',
    });
    expect(scheduleOf(driver)).toMatchObject({ state: 'completed' });
    await driver.do(jobScheduleDelete({ account, jobScheduleId: 's' }));
    expect(scheduleOf(driver)).toBeUndefined();
    expect(jobsOf(driver)).toEqual([]);
  });

  it('refuses an interval below the minimum of this controller, and the id of a job', async () => {
    await expect(withSchedule({ recurrenceInterval: 'PT30S' })).rejects.toMatchObject({
      code: 'InvalidPropertyValue',
    });
    const driver = await CoreDriver.start({ jobScheduleMinimumIntervalMs: 1000 });
    await driver.addJob('s');
    const body = JobScheduleAdd.parse({
      id: 'S',
      schedule: { recurrenceInterval: 'PT15S' },
      jobSpecification: { poolInfo: { poolId: 'p' } },
    });
    await expect(driver.do(jobScheduleAdd({ account, body }))).rejects.toMatchObject({
      code: 'JobWithSameIdExists',
    });
  });
});

describe('a certificate', () => {
  const path = { account, thumbprintAlgorithm: 'sha1', thumbprint: 'AB' };
  const body = {
    thumbprint: 'ab',
    thumbprintAlgorithm: 'sha1',
    format: 'cer',
    publicData: 'x',
    sealedData: 'y',
  } as const;
  const certificates = (driver: CoreDriver) =>
    driver.store.all('certificate').map((one) => one.state);

  it('can be deleted when no pool uses it', async () => {
    const driver = await CoreDriver.start();
    await driver.do(certificateAdd({ account, body }));
    await expect(driver.do(certificateAdd({ account, body }))).rejects.toMatchObject({
      code: 'CertificateExists',
    });
    await driver.do(certificateDelete(path));
    expect(certificates(driver)).toEqual(['deleting']);
    await driver.advance(10);
    expect(certificates(driver)).toEqual([]);
  });

  it('that a pool uses ends in deletefailed and can be made active again', async () => {
    const driver = await CoreDriver.start();
    const certificateReferences = [{ thumbprint: 'AB', thumbprintAlgorithm: 'sha1' }];
    await expect(driver.addPool('p', { certificateReferences })).rejects.toMatchObject({
      code: 'InvalidCertificateReferences',
    });
    await driver.do(certificateAdd({ account, body }));
    await driver.addPool('p', { certificateReferences });
    await driver.do(certificateDelete(path));
    await driver.advance(10);
    expect(driver.store.all('certificate')).toMatchObject([
      {
        state: 'deletefailed',
        deleteError: {
          code: 'PoolsReferencingCertificate',
          values: [{ name: 'Pools', value: 'p' }],
        },
      },
    ]);
    await driver.do(certificateCancelDeletion(path));
    expect(certificates(driver)).toEqual(['active']);
  });

  it('that a pool has let go of is in use until its nodes are restarted', async () => {
    const driver = await CoreDriver.start();
    await driver.do(certificateAdd({ account, body }));
    const certificateReferences = [{ thumbprint: 'AB', thumbprintAlgorithm: 'sha1' }];
    await driver.addPool('p', { certificateReferences, targetDedicatedNodes: 1 });
    const patch = (more: object) =>
      driver.do(poolPatch({ account, poolId: 'p', body: PoolPatch.parse(more) }));
    await patch({ certificateReferences: [] });
    await patch({ certificateReferences, metadata: [] });
    await patch({ certificateReferences: [] });
    expect(driver.store.all('pool')[0]?.late?.past).toHaveLength(1);
    await driver.do(certificateDelete(path));
    await driver.advance(10);
    const [node] = driver.store.all('node');
    expect(driver.store.all('certificate')).toMatchObject([
      {
        state: 'deletefailed',
        deleteError: {
          code: 'NodesReferencingCertificate',
          values: [{ name: 'Nodes', value: node?.id }],
        },
      },
    ]);
    await driver.do(
      computeNodeReboot({
        account,
        poolId: 'p',
        nodeId: node?.id ?? '',
        body: { nodeRebootOption: 'requeue' },
      }),
    );
    await driver.advance(MINUTE);
    await driver.do(certificateDelete(path));
    await driver.advance(10);
    expect(certificates(driver)).toEqual([]);
    await patch({ startTask: { commandLine: 'x' } });
    expect(driver.store.all('pool')[0]?.late).not.toHaveProperty('past');
  });
});
