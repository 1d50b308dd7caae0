import type { Job } from '../../core/job/state.js';
import type { QueryContext } from '../context.js';
import { jobStatistics, total } from '../statistics.js';
import { urlOf } from '../wire.js';

/** The property `stats` of a job. */
export function jobStats({ baseUrl, now }: QueryContext, job: Job): { stats: object } {
  const url = `${urlOf(baseUrl, 'jobs', job.id)}/stats`;
  const usage = job.usage ?? total([]);
  return { stats: jobStatistics(url, job.creationTime, usage, job.taskCounts, now) };
}
