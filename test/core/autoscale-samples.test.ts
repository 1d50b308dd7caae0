import { describe, expect, it } from 'vitest';
import { HISTORY_SLOTS, Series } from '../../controller/core/autoscale/series.js';
import { Totals } from '../../controller/core/autoscale/totals.js';
import { NOW, problemOf, samplesOf, valueOf } from '../support/autoscale.js';

/** Active tasks 0 to 19, one each 30 seconds: ten minutes. */
const counting = samplesOf({ $ActiveTasks: Array.from({ length: 20 }, (_, n) => n) });

describe('the samples of a metric', () => {
  it.each([
    ['$ActiveTasks', '19'],
    ['$ActiveTasks.GetSample(1)', '[19]'],
    ['$ActiveTasks.GetSample(3)', '[17,18,19]'],
    ['len($ActiveTasks.GetSample(1000))', '20'],
    ['$ActiveTasks.GetSample(TimeInterval_Minute)', '[18,19]'],
    ['len($ActiveTasks.GetSample(TimeInterval_Minute * 10))', '20'],
    ['len($ActiveTasks.GetSample(TimeInterval_Hour, 16))', '20'],
    ['$ActiveTasks.GetSample(1 * TimeInterval_Minute, 2 * TimeInterval_Minute)', '[16,17]'],
    ['$ActiveTasks.GetSample(2 * TimeInterval_Minute, 1 * TimeInterval_Minute, 100)', '[16,17]'],
    ['$ActiveTasks.GetSample(time() - TimeInterval_Minute)', '[18,19]'],
    [
      '$ActiveTasks.GetSample(time() - 2 * TimeInterval_Minute, time() - TimeInterval_Minute)',
      '[16,17]',
    ],
    ['$ActiveTasks.GetSample(TimeInterval_Second * 15)', '[19]'],
    ['$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 10)', '100'],
    ['$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 20)', '50'],
    ['$ActiveTasks.GetSamplePercent(5 * TimeInterval_Minute, 15 * TimeInterval_Minute)', '50'],
    ['$CPUPercent.GetSamplePercent(TimeInterval_Minute)', '0'],
    ['$ActiveTasks.GetSamplePeriod()', '00:00:30'],
    ['$ActiveTasks.Count()', '20'],
    ['$CPUPercent.Count()', '0'],
    ['$ActiveTasks.HistoryBeginTime()', new Date(NOW - 19 * 30_000).toISOString()],
  ])('%s is %s', (expression, value) => {
    expect(valueOf(expression, counting)).toBe(value);
  });

  it.each([
    [
      '$ActiveTasks.GetSample(20 * TimeInterval_Minute, 70)',
      '$ActiveTasks wanted 70%, received 50%',
    ],
    ['$CPUPercent.GetSample(TimeInterval_Minute, 10)', '$CPUPercent wanted 10%, received 0%'],
    ['$CPUPercent.GetSample(TimeInterval_Minute)', '$CPUPercent wanted 1%, received 0%'],
    ['$CPUPercent.GetSample(1)', '$CPUPercent wanted 1 sample, received 0'],
    ['$CPUPercent', '$CPUPercent wanted 1 sample, received 0'],
    [
      '$ActiveTasks.GetSample(TimeInterval_Hour, 2 * TimeInterval_Hour)',
      '$ActiveTasks wanted 1%, received 0%',
    ],
  ])('%s finds too few', (expression, text) => {
    expect(problemOf(`a = 1;\nx = ${expression};`, counting)).toBe(
      `samples: Line 2, Col 5: Insufficient data from data set: ${text}`,
    );
  });

  it.each([
    '$ActiveTasks.GetSample(0)',
    '$ActiveTasks.GetSample("x")',
    '$ActiveTasks.GetSample(1, 70)',
    '$ActiveTasks.GetSample(TimeInterval_Minute, 101)',
    '$ActiveTasks.GetSample(TimeInterval_Minute, 70, TimeInterval_Minute)',
    '$ActiveTasks.GetSamplePercent(5)',
    '$ActiveTasks.GetSamplePercent(TimeInterval_Minute, 70)',
  ])('%s is an error', (expression) => {
    expect(problemOf(`x = ${expression}`, counting)).toMatch(/^evaluation: /);
  });
});

describe('a series', () => {
  it('costs what changes, not what time passes', () => {
    const series = new Series();
    for (let slot = 0; slot < 2500; slot += 1) series.put(slot, slot < 1000 ? 1 : 2);
    expect(series.runs).toBe(2);
    expect(series.count).toBe(2500);
    expect(series.between(998, 1001)).toEqual([1, 1, 2, 2]);
  });

  it('keeps more than a day and forgets what is older', () => {
    const series = new Series();
    for (let slot = 0; slot < 3 * HISTORY_SLOTS; slot += 1) series.put(slot, slot);
    expect(series.count).toBe(HISTORY_SLOTS);
    expect(HISTORY_SLOTS * 30).toBeGreaterThanOrEqual(86_400);
    expect(series.oldest).toBe(2 * HISTORY_SLOTS);
    expect(series.latest(2)).toEqual([3 * HISTORY_SLOTS - 2, 3 * HISTORY_SLOTS - 1]);
    expect(series.runs).toBeLessThan(2 * HISTORY_SLOTS + 1024);
    expect(series.between(0, 2 * HISTORY_SLOTS + 1)).toEqual([
      2 * HISTORY_SLOTS,
      2 * HISTORY_SLOTS + 1,
    ]);
  });

  it('forgets within a run that goes on for ever', () => {
    const series = new Series();
    for (let slot = 0; slot < 2 * HISTORY_SLOTS; slot += 1) series.put(slot, 7);
    expect([series.runs, series.count, series.oldest]).toEqual([1, HISTORY_SLOTS, HISTORY_SLOTS]);
  });

  it('leaves gaps where nothing was sampled, and the last sample of a period counts', () => {
    const series = new Series();
    series.put(10, 1);
    series.put(10, 2);
    series.put(13, 3);
    series.put(13, 4);
    series.put(12, 9);
    expect(series.between(10, 13)).toEqual([2, 4]);
    expect(series.latest(5)).toEqual([2, 4]);
    expect(series.count).toBe(2);
  });
});

describe('totals of nodes', () => {
  it('are what was added since the period before, over all nodes, also looked at twice', () => {
    const totals = new Totals();
    const step = (now: number, readings: Record<string, number>) =>
      totals.step(now, new Map(Object.entries(readings).map(([node, one]) => [node, [one]])))[0];
    expect(step(0, { a: 100 })).toBe(0);
    expect(step(30_000, { a: 110, b: 50 })).toBe(10);
    expect(step(40_000, { a: 115, b: 52 })).toBe(17);
    expect(step(60_000, { a: 120, b: 60 })).toBe(13);
    expect(step(90_000, { a: 3, b: 61 })).toBe(1);
    expect(step(120_000, { b: 61 })).toBe(0);
  });
});
