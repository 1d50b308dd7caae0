import { BatchError } from '../../../protocol/batch/errors.js';
import type { AccountKey } from '../../../protocol/keys.js';
import { jobKey } from '../../../protocol/keys.js';
import type { QueryContext } from '../context.js';
import { taskCountsResult } from './wire.js';

/** Job_GetTaskCounts: exact at every commit. @throws BatchError JobNotFound */
export async function jobGetTaskCounts(
  context: QueryContext,
  input: { account: AccountKey; jobId: string },
): Promise<{ body: object }> {
  const job = await context.reader.get('job', jobKey(input.account, input.jobId));
  if (job === undefined) throw new BatchError('JobNotFound');
  return { body: taskCountsResult(job) };
}
