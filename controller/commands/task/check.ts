import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { TaskAdd } from '../../../protocol/batch/task.js';
import { taskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import { factoryOfTask } from '../../core/task-factory/unfold.js';
import type { Transaction } from '../../engine/command.js';

const same = (a: string, b: string | undefined) => a.toLowerCase() === b?.toLowerCase();

/** Refuses a task that its job can't have. Rows of completed tasks must have been loaded. */
export function checkTask({ state }: Transaction, job: Job, body: TaskAdd): void {
  const isTaken =
    state.hasTask(taskKey(job.key, body.id)) || factoryOfTask(state, job, body.id) !== undefined;
  if (isTaken) throw new BatchError('TaskExists', [{ key: 'TaskId', value: body.id }]);
  checkTaskOfJob(job, body);
}

/** The same for what has nothing to do with other tasks. */
export function checkTaskOfJob({ specification }: Job, body: TaskAdd): void {
  const { jobPreparationTask, jobReleaseTask } = specification;
  if (same(body.id, jobPreparationTask?.id)) throw new BatchError('TaskIdSameAsJobPreparationTask');
  if (same(body.id, jobReleaseTask?.id)) throw new BatchError('TaskIdSameAsJobReleaseTask');
  if (body.dependsOn !== undefined && !specification.usesTaskDependencies)
    throw new BatchError('TaskDependenciesNotSpecifiedOnJob');
  if (specification.onTaskFailure !== 'performexitoptionsjobaction') {
    const action = jobActionOf(body);
    if (action !== undefined)
      throw invalidPropertyValue('jobAction', action, 'the job has onTaskFailure noaction');
  }
}

function jobActionOf({ exitConditions }: TaskAdd): string | undefined {
  if (exitConditions === undefined) return undefined;
  const { exitCodes, exitCodeRanges, preProcessingError, fileUploadError } = exitConditions;
  const listed = [...(exitCodes ?? []), ...(exitCodeRanges ?? [])].map((one) => one.exitOptions);
  return [...listed, preProcessingError, fileUploadError, exitConditions.default].find(
    (options) => options?.jobAction !== undefined,
  )?.jobAction;
}
