import { BatchError } from '../../../protocol/batch/errors.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { jobKey } from '../../../protocol/keys.js';
import type { GetInput, GetReply, QueryContext } from '../context.js';
import { parseSelect } from '../select.js';
import { wantsStats } from '../statistics.js';
import { jobStats } from './stats.js';
import { cloudJob, JOB_PROPERTIES } from './wire.js';

/** Job_Get. @throws BatchError JobNotFound */
export async function jobGet(
  context: QueryContext,
  input: GetInput & { jobId: string },
): Promise<GetReply> {
  const select = parseSelect(input.select, JOB_PROPERTIES);
  const job = await context.reader.get('job', jobKey(input.account, input.jobId));
  if (job === undefined) throw new BatchError('JobNotFound');
  return {
    body: select({
      ...cloudJob(job, context.baseUrl),
      ...(wantsStats(input) && jobStats(context, job)),
    }),
    etag: etagOf(job),
    lastModified: job.lastModified,
  };
}
