import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, type JobKey } from '../../../protocol/keys.js';
import type { PastAttempt } from '../../core/task/history.js';
import type { Reader } from '../../engine/reader.js';
import { wireAttempt } from '../attempts.js';
import type { ListInput, QueryContext } from '../context.js';
import { invalidQueryParameter } from '../filter.js';
import { page } from '../paging.js';
import type { ListReply } from '../paging.js';
import { urlOf } from '../wire.js';

/**
 * Job_ListSpecialTaskAttempts: every run of the job's preparation and release tasks that began, on every
 * node, also where the node is gone; by pool and node, the newest of each last.
 * @throws BatchError JobNotFound, JobPreparationTaskOrReleaseTaskNotSpecified
 */
export async function jobListSpecialTaskAttempts(
  { reader, baseUrl }: QueryContext,
  input: ListInput & { jobId: string },
): Promise<ListReply> {
  const key = jobKey(input.account, input.jobId);
  const job = await reader.get('job', key);
  if (job === undefined) throw new BatchError('JobNotFound');
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  if (jobPreparationTask === undefined && jobReleaseTask === undefined)
    throw new BatchError('JobPreparationTaskOrReleaseTaskNotSpecified');
  const { rows, ...more } = await page(
    `special task attempts of ${key}`,
    input,
    async (after, limit) => {
      const runs = await reader.specialRuns(key, placeOf(key, after), limit);
      return runs.map((run) => ({ ...run, key: `${run.task}#${String(run.number)}` }));
    },
  );
  const url = urlOf(baseUrl, 'jobs', job.id, 'jobpreparationandreleasetaskattempts');
  const value = rows.map((run) => {
    const kind = kindOf(run);
    const place = `${url}/${run.poolId}/${run.nodeId}/${kind}/${String(run.number)}`;
    return { task: kind, ...wireAttempt(run, baseUrl, place) };
  });
  return { value, ...more };
}

const kindOf = ({ task }: PastAttempt) => (task.endsWith(':release') ? 'release' : 'preparation');

/** What a page goes on after: `:pool:node:preparation#3`. */
function placeOf(job: JobKey, after: string | undefined): Parameters<Reader['specialRuns']>[1] {
  if (after === undefined) return undefined;
  const [, runs, number] = /^(:[^#/]+)#(\d{1,9})$/.exec(after) ?? [];
  if (runs === undefined)
    throw invalidQueryParameter('$skiptoken', after.slice(0, 256), 'this list has not given it');
  return { task: `${job}/${runs}`, number: Number(number) };
}
