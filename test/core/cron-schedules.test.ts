import { describe, expect, it } from 'vitest';
import { cronCalendar } from '../../controller/config/cron-calendar.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { jobScheduleAdd } from '../../controller/commands/job-schedule/add.js';
import { jobScheduleDisable } from '../../controller/commands/job-schedule/disable.js';
import { jobScheduleEnable } from '../../controller/commands/job-schedule/enable.js';
import { jobSchedulePatch } from '../../controller/commands/job-schedule/patch.js';
import {
  jobSchedulePreviewRuns,
  jobSchedulePreviewUnsavedRuns,
} from '../../controller/commands/job-schedule/preview-runs.js';
import { BatchError } from '../../protocol/batch/errors.js';
import { JobScheduleAdd, JobSchedulePreview } from '../../protocol/batch/job-schedule.js';
import { jobScheduleKey } from '../../protocol/keys.js';
import { formatTime } from '../../protocol/time.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);
const jobScheduleId = 's';

async function driverAt(time: string) {
  const driver = await CoreDriver.start();
  driver.now = at(time);
  return driver;
}
const bodyOf = (schedule: Record<string, unknown>) =>
  JobScheduleAdd.parse({
    id: jobScheduleId,
    schedule,
    jobSpecification: { poolInfo: { poolId: 'p' } },
  });
const add = (driver: CoreDriver, schedule: Record<string, unknown>) =>
  driver.do(jobScheduleAdd({ account, body: bodyOf(schedule) }));
const row = (driver: CoreDriver) =>
  driver.store.get('jobSchedule', jobScheduleKey(account, jobScheduleId));
const next = (driver: CoreDriver) => {
  const time = row(driver)?.nextRunTime;
  return time === undefined ? undefined : formatTime(time);
};
const jobs = (driver: CoreDriver) =>
  driver.store.all('job').map(({ id, state }) => `${id} ${state}`);
const preview = async (driver: CoreDriver, schedule: Record<string, unknown>, count: number) => {
  const body = JobSchedulePreview.parse({ schedule, count });
  return (await driver.do(jobSchedulePreviewUnsavedRuns({ account, body }))).map(formatTime);
};
const refusal = async (attempt: Promise<unknown>) => {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BatchError);
  return (error as BatchError).values.map(({ value }) => value);
};

describe('a schedule with a cron expression', () => {
  it('makes its jobs when the expression says, one active at a time', async () => {
    const driver = await driverAt('2026-01-05T10:20:00Z');
    await add(driver, { cronExpression: '0 * * * *' });
    expect(jobs(driver)).toEqual([]);
    expect(next(driver)).toBe('2026-01-05T11:00:00.000Z');
    await driver.advance(HOUR);
    expect(jobs(driver)).toEqual(['s:job-1 active']);
    expect(next(driver)).toBe('2026-01-05T12:00:00.000Z');
    await driver.advance(HOUR);
    expect(jobs(driver)).toEqual(['s:job-1 active']);
    await driver.do(jobTerminate({ account, jobId: 's:job-1' }));
    await driver.advance(31_000);
    expect(jobs(driver)).toEqual(['s:job-1 completed', 's:job-2 active']);
    expect(next(driver)).toBe('2026-01-05T13:00:00.000Z');
  });

  it('runs late once after an outage, or not at all when the start window is over', async () => {
    for (const [startWindow, expected] of [
      [undefined, ['s:job-1 active']],
      ['PT10M', []],
    ] as const) {
      const driver = await driverAt('2026-01-05T10:20:00Z');
      await add(driver, { cronExpression: '0 0 * * *', ...(startWindow && { startWindow }) });
      driver.now = at('2026-01-07T05:00:00Z');
      await driver.restart();
      expect(jobs(driver)).toEqual(expected);
      expect(next(driver)).toBe('2026-01-08T00:00:00.000Z');
    }
  });

  it('keeps to doNotRunUntil and doNotRunAfter, and ends with its last run', async () => {
    const driver = await driverAt('2026-01-05T10:20:00Z');
    await add(driver, {
      cronExpression: '0 12 * * *',
      doNotRunUntil: '2026-01-06T12:00:00Z',
      doNotRunAfter: '2026-01-07T12:00:00Z',
    });
    const runs = await driver.do(jobSchedulePreviewRuns({ account, jobScheduleId, count: 5 }));
    expect(runs.map(formatTime)).toEqual(['2026-01-06T12:00:00.000Z', '2026-01-07T12:00:00.000Z']);
    await driver.advance(26 * HOUR);
    await driver.do(jobTerminate({ account, jobId: 's:job-1' }));
    await driver.advance(24 * HOUR);
    await driver.do(jobTerminate({ account, jobId: 's:job-2' }));
    await driver.advance(60_000);
    expect(row(driver)?.state).toBe('completed');
  });

  it('counts anew when it is enabled again or patched', async () => {
    const driver = await driverAt('2026-01-05T10:20:00Z');
    await add(driver, { cronExpression: '0 * * * *' });
    await driver.do(jobScheduleDisable({ account, jobScheduleId }));
    await driver.advance(5 * HOUR);
    expect(jobs(driver)).toEqual([]);
    await driver.do(jobScheduleEnable({ account, jobScheduleId }));
    expect(jobs(driver)).toEqual([]);
    expect(next(driver)).toBe('2026-01-05T16:00:00.000Z');
    const { schedule } = bodyOf({ cronExpression: '30 * * * *', timeZone: 'Asia/Kolkata' });
    await driver.do(jobSchedulePatch({ account, jobScheduleId, body: { schedule } }));
    expect(next(driver)).toBe('2026-01-05T16:00:00.000Z');
  });
});

describe('summer time', () => {
  const timeZone = 'Europe/Berlin';
  it('that leaves an hour out moves its runs to the first instant after it', async () => {
    const driver = await driverAt('2026-03-28T12:00:00Z');
    expect(await preview(driver, { cronExpression: '30 2 * * *', timeZone }, 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });
  it('does so south of the equator too', async () => {
    const driver = await driverAt('2026-10-03T00:00:00Z');
    const schedule = { cronExpression: '30 2 * * *', timeZone: 'Australia/Sydney' };
    expect(await preview(driver, schedule, 2)).toEqual([
      '2026-10-03T16:00:00.000Z',
      '2026-10-04T15:30:00.000Z',
    ]);
  });
  it('that ends runs a given time once, and a repeated one through both hours', async () => {
    const driver = await driverAt('2026-10-24T12:00:00Z');
    expect(await preview(driver, { cronExpression: '30 2 * * *', timeZone }, 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    driver.now = at('2026-10-25T00:00:01Z');
    expect(await preview(driver, { cronExpression: '*/30 * * * *', timeZone }, 4)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ]);
  });
});

describe('the calendar', () => {
  it('finds the first run later than a time, to the millisecond, whatever was asked before', () => {
    const calendar = cronCalendar();
    const ask = (after: string) =>
      formatTime(calendar.next('0 0 1 1 *', 'UTC', at(after)) ?? Number.NaN);
    expect(ask('2025-12-31T23:59:59.999Z')).toBe('2026-01-01T00:00:00.000Z');
    expect(ask('2026-01-01T00:00:00.000Z')).toBe('2027-01-01T00:00:00.000Z');
    expect(ask('2025-12-31T23:59:59.999Z')).toBe('2026-01-01T00:00:00.000Z');
    expect(calendar.next('0 0 30 2 *', 'UTC', 0)).toBeUndefined();
  });
  it('reads no clock: eight years from the time that was asked are looked through', () => {
    expect(cronCalendar().next('0 0 29 2 *', 'UTC', at('2092-01-01T00:00:00Z'))).toBe(
      at('2092-02-29T00:00:00Z'),
    );
  });
});

describe('a schedule that makes no sense is refused and nothing is kept:', () => {
  it.each([
    ['an expression that is none', { cronExpression: 'every day' }, 'cronExpression'],
    ['a field out of range', { cronExpression: '61 * * * *' }, 'cronExpression'],
    ['a day that never comes', { cronExpression: '0 0 30 2 *' }, 'cronExpression'],
    ['runs closer than the minimum', { cronExpression: '*/20 * * * * *' }, 'cronExpression'],
    [
      'no run before its end',
      { cronExpression: '0 0 1 * *', doNotRunAfter: '2026-01-20T00:00:00Z' },
      'cronExpression',
    ],
    ['an unknown time zone', { cronExpression: '@daily', timeZone: 'Mars/Crater' }, 'timeZone'],
    [
      'an end that is over',
      { recurrenceInterval: 'PT1H', doNotRunAfter: '2026-01-01T00:00:00Z' },
      'doNotRunAfter',
    ],
    ['an interval below the minimum', { recurrenceInterval: 'PT10S' }, 'recurrenceInterval'],
    ['a start window below the minimum', { startWindow: 'PT10S' }, 'startWindow'],
  ])('%s', async (_what, schedule, property) => {
    const driver = await driverAt('2026-01-05T10:20:00Z');
    expect((await refusal(add(driver, schedule)))[0]).toBe(property);
    expect(row(driver)).toBeUndefined();
    expect(jobs(driver)).toEqual([]);
  });
  it.each([
    [
      'both an interval and an expression',
      { cronExpression: '@daily', recurrenceInterval: 'PT1H' },
    ],
    ['a time zone without an expression', { timeZone: 'Europe/Berlin' }],
    ['an end before its begin', { doNotRunUntil: '2026-02-01', doNotRunAfter: '2026-01-01' }],
    ['an expression of any length', { cronExpression: '0 '.repeat(500) }],
  ])('%s', (_what, schedule) => {
    expect(() => bodyOf(schedule)).toThrow();
  });
});
