import { describe, expect, it } from 'vitest';
import { Retention } from '../../agent/node/retention.js';

describe('directories of ended tries', () => {
  it('are kept until their time is over', () => {
    const retention = new Retention();
    retention.retain('workitems/job/job-1/a', 1_000);
    retention.retain('workitems/job/job-1/b', 2_000);
    expect(retention.takeExpired(1_500)).toEqual(['workitems/job/job-1/a']);
    expect(retention.size).toBe(1);
  });

  it('count no more once their task is deleted', () => {
    const retention = new Retention();
    retention.retain('workitems/job/job-1/a', 1_000);
    retention.retain('workitems/job/job-1/ab', 1_000);
    expect(retention.takeRemoved('workitems/job/job-1/a')).toEqual(['workitems/job/job-1/a']);
    expect(retention.size).toBe(1);
  });

  it('count no more once their whole job is deleted, others do', () => {
    const retention = new Retention();
    retention.retain('workitems/job1/job-1/a', 1_000);
    retention.retain('workitems/job1/job-1/b', 1_000);
    retention.retain('workitems/job10/job-1/a', 1_000);
    expect(retention.takeRemoved('workitems/job1')).toEqual([
      'workitems/job1/job-1/a',
      'workitems/job1/job-1/b',
    ]);
    expect(retention.size).toBe(1);
  });
});
