import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { TaskAdd } from '../../../protocol/batch/task.js';
import { taskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { Transaction } from '../../engine/command.js';

/** Refuses a task that its job can't have. Rows of completed tasks must have been loaded. */
export function checkTask({ state }: Transaction, job: Job, body: TaskAdd): void {
  const { specification } = job;
  if (state.tasks.has(taskKey(job.key, body.id)))
    throw new BatchError('TaskExists', [{ key: 'TaskId', value: body.id }]);
  if (body.dependsOn !== undefined && !specification.usesTaskDependencies)
    throw new BatchError('TaskDependenciesNotSpecifiedOnJob');
  if (body.multiInstanceSettings !== undefined)
    throw new BatchError('NotImplemented', [
      { key: 'PropertyName', value: 'multiInstanceSettings' },
    ]);
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
