import { propertiesOf } from '../../../protocol/batch/entities.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey } from '../../../protocol/keys.js';
import { formatTime } from '../../../protocol/time.js';
import type { JobNode, SpecialKind, SpecialRun } from '../../core/job-node/state.js';
import type { Job } from '../../core/job/state.js';
import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { failureOf, present, timeOf, urlOf } from '../wire.js';

const STATUS_PROPERTIES = propertiesOf('JobPreparationAndReleaseTaskExecutionInformation');

/**
 * Job_ListPreparationAndReleaseTaskStatus: an entry for each node that ran either task, also where the
 * node is gone.
 * @throws BatchError JobNotFound, JobPreparationTaskOrReleaseTaskNotSpecified
 */
export async function jobListPreparationAndReleaseTaskStatus(
  context: QueryContext,
  input: ListInput & { jobId: string },
): Promise<ListReply> {
  const select = parseSelect(input.select, STATUS_PROPERTIES);
  const filter = listFilter('preparationAndRelease', input.account, input.filter);
  const scope = jobKey(input.account, input.jobId);
  const job = await context.reader.get('job', scope);
  if (job === undefined) throw new BatchError('JobNotFound');
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  if (jobPreparationTask === undefined && jobReleaseTask === undefined)
    throw new BatchError('JobPreparationTaskOrReleaseTaskNotSpecified');
  const listing = { name: `special tasks of ${scope}`, scope, filter };
  const { rows, ...more } = await rowPage(context.reader, 'jobNode', listing, input);
  return { value: rows.map((row) => select(statusOf(row, job, context.baseUrl))), ...more };
}

function statusOf(row: JobNode, job: Job, baseUrl: string): object {
  const { poolId, nodeId, preparation, release } = row;
  const nodeUrl = urlOf(baseUrl, 'pools', poolId, 'nodes', nodeId);
  return present({
    poolId,
    nodeId,
    nodeUrl,
    jobPreparationTaskExecutionInfo: executionInfo(preparation, 'preparation', job, nodeUrl),
    jobReleaseTaskExecutionInfo:
      release === undefined ? undefined : executionInfo(release, 'release', job, nodeUrl),
  });
}

/** The contract's section 7.4; release tasks are never tried again. */
function executionInfo(run: SpecialRun, kind: SpecialKind, job: Job, nodeUrl: string): object {
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  const id = (kind === 'preparation' ? jobPreparationTask : jobReleaseTask)?.id ?? '';
  const taskRootDirectory = `workitems/${job.folder}/${id}`;
  const completed = run.state === 'completed';
  return present({
    state: run.state,
    startTime: formatTime(run.startTime),
    endTime: completed ? timeOf(run.endTime) : undefined,
    taskRootDirectory,
    taskRootDirectoryUrl: `${nodeUrl}/files/${taskRootDirectory}`,
    exitCode: completed ? run.exitCode : undefined,
    containerInfo: completed ? run.containerInfo : undefined,
    failureInfo: completed ? failureOf(run.failureInfo) : undefined,
    retryCount: kind === 'preparation' ? run.retryCount : undefined,
    lastRetryTime: kind === 'preparation' ? timeOf(run.lastRetryTime) : undefined,
    result: completed ? run.result : undefined,
  });
}
