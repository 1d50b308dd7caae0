import { BatchError } from '../../../protocol/batch/errors.js';
import type { JobSpecification } from '../../../protocol/batch/job.js';

/** Refuses what a job could ask for and would not get yet, rather than leave it out silently. */
export function checkBuilt(
  job: Pick<JobSpecification, 'poolInfo' | 'jobPreparationTask' | 'jobReleaseTask'>,
): void {
  const missing = [['poolInfo.autoPoolSpecification', job.poolInfo.autoPoolSpecification]].find(
    ([, value]) => value !== undefined,
  );
  if (missing !== undefined)
    throw new BatchError('NotImplemented', [{ key: 'PropertyName', value: String(missing[0]) }]);
}
