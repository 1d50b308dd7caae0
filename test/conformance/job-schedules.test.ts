import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, refusal, statusOf, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController({ configuration: { jobScheduleMinimumInterval: 'PT1S' } });
  client = batchClient(controller);
  until = waits(client);
  await client.pool.add({ ...PROCESS_POOL, id: 'work', targetDedicatedNodes: 1 });
});
afterAll(() => controller.stop());

const nowhere = { poolInfo: { poolId: 'nowhere' } };
const jobsOf = async (id: string) =>
  (await client.job.listFromJobSchedule(id)).map((job) => job.id ?? '');
const get = (id: string) => client.jobSchedule.get(id);
const inState = (id: string, state: string) =>
  waitFor(`schedule ${id} to be ${state}`, async () => {
    const schedule = await get(id);
    return schedule.state === state && schedule;
  });
const gone = (id: string) =>
  waitFor(`schedule ${id} to go`, async () => !(await client.jobSchedule.exists(id)).body);
const add = (id: string, schedule: object, jobSpecification: object = nowhere, more: object = {}) =>
  client.jobSchedule.add({
    id,
    schedule,
    jobSpecification: { ...nowhere, ...jobSpecification },
    ...more,
  });

describe('a new schedule', () => {
  it('that is due makes its first job at once, and knows its next time', async () => {
    expect(statusOf(await add('Due', { recurrenceInterval: 'PT1H' }))).toBe(201);
    expect(await jobsOf('due')).toEqual(['Due:job-1']);
    const schedule = await get('due');
    expect(schedule).toMatchObject({
      id: 'Due',
      state: 'active',
      executionInfo: { recentJob: { id: 'Due:job-1' } },
      url: `${controller.url}/jobschedules/Due`,
    });
    expect(decodeURIComponent(schedule.executionInfo?.recentJob?.url ?? '')).toBe(
      `${controller.url}/jobs/Due:job-1`,
    );
    const next = schedule.executionInfo?.nextRunTime?.getTime() ?? 0;
    expect(next - (schedule.creationTime?.getTime() ?? 0)).toBe(3_600_000);
    expect((await client.jobSchedule.exists('DUE')).body).toBe(true);
    expect((await client.jobSchedule.exists('unheard')).body).toBe(false);
  });

  it('that may not run yet has no job', async () => {
    const doNotRunUntil = new Date(Date.now() + 3_600_000);
    await add('later', { doNotRunUntil, recurrenceInterval: 'PT1H' });
    expect(await jobsOf('later')).toEqual([]);
    const { executionInfo, schedule } = await get('later');
    expect(executionInfo?.nextRunTime?.getTime()).toBe(doNotRunUntil.getTime());
    expect(executionInfo?.recentJob).toBeUndefined();
    expect(schedule?.doNotRunUntil?.getTime()).toBe(doNotRunUntil.getTime());
  });

  it('begins at doNotRunUntil', async () => {
    await add('soon', { doNotRunUntil: new Date(Date.now() + 1200), recurrenceInterval: 'PT1H' });
    expect(await jobsOf('soon')).toEqual([]);
    await waitFor('the first job', async () => (await jobsOf('soon')).length === 1);
  });

  it('reads back as it was added, with the defaults of jobs', async () => {
    const metadata = [{ name: 'a', value: 'b' }];
    await add(
      'full',
      { recurrenceInterval: 'P1D', startWindow: 'PT5M' },
      {
        displayName: 'made',
        priority: 7,
        onAllTasksComplete: 'terminatejob',
        commonEnvironmentSettings: [{ name: 'X', value: 'y' }],
        metadata: [{ name: 'c', value: 'd' }],
      },
      { displayName: 'Full', metadata },
    );
    const raw = await signedRequest(controller, 'GET', '/jobschedules/full');
    expect(JSON.parse(raw.text)).toMatchObject({
      displayName: 'Full',
      metadata,
      schedule: { recurrenceInterval: 'P1D', startWindow: 'PT5M' },
      jobSpecification: { displayName: 'made', priority: 7, onAllTasksComplete: 'terminatejob' },
    });
    expect(await client.job.get('full:job-1')).toMatchObject({
      displayName: 'made',
      priority: 7,
      onAllTasksComplete: 'terminatejob',
      metadata: [{ name: 'c', value: 'd' }],
      executionInfo: { poolId: 'nowhere' },
    });
  });

  it('is refused with the code for what is wrong', async () => {
    const status = async (body: object) => {
      const answer = await signedRequest(controller, 'POST', '/jobschedules', {
        body: JSON.stringify({ id: 'wrong', schedule: {}, jobSpecification: nowhere, ...body }),
      });
      return answer.status;
    };
    expect(await status({ schedule: { recurrenceInterval: 'PT0.5S' } })).toBe(400);
    expect(await status({ schedule: { recurrenceInterval: 'PT1H', startWindow: 'PT0.5S' } })).toBe(
      400,
    );
    expect(await status({ schedule: { recurrenceInterval: 'often' } })).toBe(400);
    expect(await status({ schedule: undefined })).toBe(400);
    expect(await status({ jobSpecification: undefined })).toBe(400);
    expect(await status({ jobSpecification: {} })).toBe(400);
    expect(await status({ id: 'not good' })).toBe(400);
    expect(await status({ jobSpecification: { ...nowhere, priority: 5000 } })).toBe(400);
    await expect(add('DUE', {})).rejects.toMatchObject(refusal(409, 'JobScheduleExists'));
    await client.job.add({ id: 'plain', ...nowhere });
    await expect(add('plain', {})).rejects.toMatchObject(refusal(409, 'JobWithSameIdExists'));
    await expect(client.job.add({ id: 'due', ...nowhere })).rejects.toMatchObject(
      refusal(409, 'JobScheduleWithSameIdExists'),
    );
    await expect(get('none')).rejects.toMatchObject(refusal(404, 'JobScheduleNotFound'));
    await expect(client.job.listFromJobSchedule('none')).rejects.toMatchObject(
      refusal(404, 'JobScheduleNotFound'),
    );
  });
});

describe('recurrence', () => {
  it('makes one job after another, numbered, and never two active at once', async () => {
    await add('often', { recurrenceInterval: 'PT1S' });
    await waitFor('more due times', async () => {
      const { executionInfo, creationTime } = await get('often');
      const next = executionInfo?.nextRunTime?.getTime() ?? 0;
      return Date.now() > (creationTime?.getTime() ?? 0) + 1500 && next > 0;
    });
    expect(await jobsOf('often')).toEqual(['often:job-1']);
    await client.job.terminate('often:job-1');
    await until.job('often:job-2', 'active').catch(() => undefined);
    await waitFor('the second job', async () => (await jobsOf('often')).length === 2);
    expect((await client.job.get('often:job-1')).state).toBe('completed');
    expect((await get('often')).executionInfo?.recentJob?.id).toBe('often:job-2');
    await client.job.deleteMethod('often:job-2');
    await waitFor('the third job', async () => (await jobsOf('often')).includes('often:job-3'));
    await client.jobSchedule.deleteMethod('often');
    await gone('often');
  });

  it('loses a time whose startWindow went by while the last job ran', async () => {
    await add('window', { recurrenceInterval: 'PT3S', startWindow: 'PT1S' });
    const { creationTime } = await get('window');
    const created = creationTime?.getTime() ?? 0;
    await waitFor('the window to pass', () => Date.now() > created + 4300);
    await client.job.terminate('window:job-1');
    await until.job('window:job-1', 'completed');
    expect(await jobsOf('window')).toEqual(['window:job-1']);
    const second = await waitFor('the second job', async () =>
      client.job.get('window:job-2').catch(() => undefined),
    );
    expect((second.creationTime?.getTime() ?? 0) - created).toBeGreaterThanOrEqual(5990);
    await client.jobSchedule.deleteMethod('window');
  });

  it('ends after doNotRunAfter, once no job is active', async () => {
    const doNotRunAfter = new Date(Date.now() + 1500);
    await add('bounded', { doNotRunAfter, recurrenceInterval: 'PT1H' });
    await waitFor('the time to pass', () => Date.now() > doNotRunAfter.getTime() + 200);
    expect((await get('bounded')).state).toBe('active');
    expect((await client.job.get('bounded:job-1')).state).toBe('active');
    await client.job.terminate('bounded:job-1');
    const ended = await inState('bounded', 'completed');
    expect(ended.executionInfo?.endTime).toBeInstanceOf(Date);
    expect(ended.executionInfo?.nextRunTime).toBeUndefined();
  });

  it('absent makes a single job, with which the schedule ends', async () => {
    await add('single', {});
    expect((await get('single')).executionInfo?.nextRunTime).toBeUndefined();
    expect((await get('single')).state).toBe('active');
    await client.job.terminate('single:job-1');
    await inState('single', 'completed');
    expect(await jobsOf('single')).toEqual(['single:job-1']);
    for (const refused of [
      () => client.jobSchedule.disable('single'),
      () => client.jobSchedule.enable('single'),
      () => client.jobSchedule.terminate('single'),
      () => client.jobSchedule.patch('single', { metadata: [] }),
    ])
      await expect(refused()).rejects.toMatchObject(refusal(409, 'JobScheduleCompleted'));
  });
});

describe('disable and enable', () => {
  it('hold back new jobs, while the one that runs goes on', async () => {
    await add('held', { recurrenceInterval: 'PT1S' });
    expect(statusOf(await client.jobSchedule.disable('held'))).toBe(204);
    const disabled = await get('held');
    expect(disabled).toMatchObject({ state: 'disabled', previousState: 'active' });
    expect((await client.job.get('held:job-1')).state).toBe('active');
    await client.job.terminate('held:job-1');
    await until.job('held:job-1', 'completed');
    expect(statusOf(await client.jobSchedule.disable('held'))).toBe(204);
    expect(statusOf(await client.jobSchedule.enable('held'))).toBe(204);
    await waitFor('another job', async () => (await jobsOf('held')).length === 2);
    expect((await get('held')).state).toBe('active');
    await client.jobSchedule.deleteMethod('held');
  });
});

describe('patch and update', () => {
  it('take effect for later jobs only, and replace whole objects', async () => {
    await add(
      'changed',
      { recurrenceInterval: 'PT1S', startWindow: 'PT2S' },
      { priority: 3, displayName: 'old' },
      { metadata: [{ name: 'a', value: 'b' }] },
    );
    const jobSpecification = { ...nowhere, displayName: 'new' };
    expect(statusOf(await client.jobSchedule.patch('changed', { jobSpecification }))).toBe(200);
    const patched = await get('changed');
    expect(patched.jobSpecification).toMatchObject({ displayName: 'new', priority: 0 });
    expect(patched.metadata).toEqual([{ name: 'a', value: 'b' }]);
    expect(patched.schedule?.startWindow).toBeTruthy();
    expect(await client.job.get('changed:job-1')).toMatchObject({
      displayName: 'old',
      priority: 3,
    });
    await client.job.terminate('changed:job-1');
    await waitFor('the second job', async () => (await jobsOf('changed')).length === 2);
    expect(await client.job.get('changed:job-2')).toMatchObject({
      displayName: 'new',
      priority: 0,
    });
    const schedule = { recurrenceInterval: 'PT1H' };
    expect(
      statusOf(await client.jobSchedule.update('changed', { schedule, jobSpecification: nowhere })),
    ).toBe(200);
    const updated = await get('changed');
    expect(updated.schedule?.startWindow).toBeUndefined();
    expect(updated.metadata ?? []).toEqual([]);
    expect(updated.jobSpecification?.displayName).toBeUndefined();
    expect(updated.eTag).not.toBe(patched.eTag);
    await client.jobSchedule.deleteMethod('changed');
  });

  it('are refused where the contract says so', async () => {
    const body = JSON.stringify({ schedule: { recurrenceInterval: 'PT0.1S' } });
    const path = '/jobschedules/due';
    expect((await signedRequest(controller, 'PATCH', path, { body })).status).toBe(400);
    const half = JSON.stringify({ schedule: {} });
    expect((await signedRequest(controller, 'PUT', path, { body: half })).status).toBe(400);
    const options = { jobSchedulePatchOptions: { ifMatch: '0x1' } };
    await expect(client.jobSchedule.patch('due', { metadata: [] }, options)).rejects.toMatchObject(
      refusal(412, 'ConditionNotMet'),
    );
  });
});

describe('terminate', () => {
  it('ends the active job with its reason, then the schedule', async () => {
    await add('stopped', { recurrenceInterval: 'PT1H' }, { poolInfo: { poolId: 'work' } });
    await client.task.add('stopped:job-1', { id: 't', commandLine: LONG });
    await until.task('stopped:job-1', 't', 'running');
    expect(statusOf(await client.jobSchedule.terminate('stopped'))).toBe(202);
    const schedule = await inState('stopped', 'completed');
    expect(schedule.previousState).toBe('terminating');
    expect(schedule.executionInfo?.endTime).toBeInstanceOf(Date);
    const job = await client.job.get('stopped:job-1');
    expect(job).toMatchObject({
      state: 'completed',
      executionInfo: { terminateReason: 'TerminateJobSchedule' },
    });
    const task = await client.task.get('stopped:job-1', 't');
    expect(task.executionInfo?.failureInfo?.code).toBe('TaskEnded');
    expect(task.nodeInfo?.taskRootDirectory).toBe('workitems/stopped/job-1/t');
  });
});

describe('delete', () => {
  it('takes all jobs of the schedule along; one job can go before by its full id', async () => {
    await add('deleted', { recurrenceInterval: 'PT1S' });
    await client.job.deleteMethod('deleted:job-1');
    await waitFor('the second job', async () =>
      (await jobsOf('deleted')).includes('deleted:job-2'),
    );
    expect(statusOf(await client.jobSchedule.deleteMethod('deleted'))).toBe(202);
    await gone('deleted');
    await expect(client.job.get('deleted:job-2')).rejects.toMatchObject(
      refusal(404, 'JobNotFound'),
    );
    await add('deleted', {});
    expect(await jobsOf('deleted')).toEqual(['deleted:job-1']);
  });
});

describe('lists of schedules', () => {
  it('filter by every property of the contract, select and page', async () => {
    const list = async (options: object) =>
      (await client.jobSchedule.list({ jobScheduleListOptions: options })).map(({ id }) => id);
    const past = "DateTime'2020-01-01T00:00:00Z'";
    const two = "(id eq 'due' or id eq 'later')";
    for (const [filter, ids] of [
      [two, ['Due', 'later']],
      [`${two} and startswith(id,'la')`, ['later']],
      [`${two} and state eq 'active'`, ['Due', 'later']],
      [`${two} and state ne 'active'`, []],
      [`${two} and creationTime gt ${past} and lastModified gt ${past}`, ['Due', 'later']],
      [`${two} and stateTransitionTime lt ${past}`, []],
      [`${two} and schedule/doNotRunUntil gt ${past}`, ['later']],
      [`${two} and executionInfo/endTime gt ${past}`, []],
      [`id eq 'single' and executionInfo/endTime gt ${past}`, ['single']],
    ] as const)
      expect([filter, await list({ filter })]).toEqual([filter, ids]);
    await expect(list({ filter: `displayName eq 'x'` })).rejects.toMatchObject(
      refusal(400, 'InvalidQueryParameterValue'),
    );
    const options = { maxResults: 1, select: 'id', filter: two };
    const page = await client.jobSchedule.list({ jobScheduleListOptions: options });
    const rest = await client.jobSchedule.listNext(page.odatanextLink ?? '');
    expect([page[0]?.id, rest[0]?.id, rest.length]).toEqual(['Due', 'later', 1]);
    expect(page[0]?.state).toBeUndefined();
  });

  it('of the jobs of one schedule filter and select too', async () => {
    const jobs = await client.job.listFromJobSchedule('due', {
      jobListFromJobScheduleOptions: { filter: "state eq 'active'", select: 'id,priority' },
    });
    expect(jobs.map(({ id, priority, state }) => [id, priority, state])).toEqual([
      ['Due:job-1', 0, undefined],
    ]);
  });
});

describe('cron expressions', () => {
  const send = (method: string, path: string, body?: object) =>
    signedRequest(
      controller,
      method,
      path,
      body === undefined ? {} : { body: JSON.stringify(body) },
    );
  it('make jobs, and their next runs can be seen before and after', async () => {
    const schedule = { cronExpression: '0 30 2 29 2 *', timeZone: 'Asia/Tokyo' };
    const body = { id: 'cron', schedule, jobSpecification: nowhere };
    expect((await send('POST', '/jobschedules', body)).status).toBe(201);
    const read = JSON.parse((await send('GET', '/jobschedules/cron')).text) as object;
    expect(read).toMatchObject({
      schedule,
      executionInfo: { nextRunTime: expect.stringMatching(/-02-28T17:30:00/) as string },
    });
    const saved = await send('GET', '/jobschedules/cron/previewruns?maxresults=2');
    const unsaved = await send('POST', '/jobschedules/previewruns', { schedule, count: 2 });
    expect([saved.status, unsaved.status]).toEqual([200, 200]);
    const { value } = JSON.parse(saved.text) as { value: { runTime: string }[] };
    expect(value.map(({ runTime }) => runTime.slice(4))).toEqual([
      '-02-28T17:30:00.000Z',
      '-02-28T17:30:00.000Z',
    ]);
    expect((JSON.parse(unsaved.text) as { value: object[] }).value).toEqual(value);
    await add('each-second', { recurrenceInterval: 'PT1H' });
    const every = await send('PATCH', '/jobschedules/each-second', {
      schedule: { cronExpression: '* * * * * *' },
    });
    expect(every.status).toBe(200);
    await waitFor('a job', async () => (await jobsOf('each-second')).length > 0);
  });
  it('are refused with the property that is wrong', async () => {
    for (const schedule of [
      { cronExpression: 'never' },
      { cronExpression: '0 0 31 2 *' },
      { cronExpression: '@daily', timeZone: 'Nowhere' },
    ]) {
      const body = { id: 'bad', schedule, jobSpecification: nowhere };
      const answer = await send('POST', '/jobschedules', body);
      expect(answer.code).toBe('InvalidPropertyValue');
      expect(answer.text).toMatch(/"(cronExpression|timeZone)"/);
      expect((await send('POST', '/jobschedules/previewruns', { schedule })).status).toBe(400);
    }
    expect((await send('GET', '/jobschedules/bad/previewruns')).code).toBe('JobScheduleNotFound');
  });
});
