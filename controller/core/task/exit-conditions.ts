import type { Outcome } from '../../../protocol/agent/event.js';
import type { Job } from '../job/state.js';
import type { Task } from './state.js';

type ExitOptions = NonNullable<NonNullable<Task['exitConditions']>['default']>;
export type End = Pick<Outcome, 'exitCode' | 'failure' | 'preProcessing' | 'fileUpload'>;

/** Precedence of section 11: exitCodes, exitCodeRanges, the special errors, default (never for success). */
function optionsOf(task: Task, end: End): ExitOptions | undefined {
  const conditions = task.exitConditions;
  if (conditions === undefined) return undefined;
  const { exitCode } = end;
  if (exitCode !== undefined) {
    const listed =
      conditions.exitCodes?.find((one) => one.code === exitCode) ??
      conditions.exitCodeRanges?.find((one) => one.start <= exitCode && exitCode <= one.end);
    if (listed !== undefined) return listed.exitOptions;
  }
  if (end.preProcessing === true && conditions.preProcessingError !== undefined)
    return conditions.preProcessingError;
  if (end.fileUpload === true && conditions.fileUploadError !== undefined)
    return conditions.fileUploadError;
  return end.failure === undefined && exitCode === 0 ? undefined : conditions.default;
}

/** What a task's end for good means for its dependants and its job. */
export function consequences(
  job: Job,
  task: Task,
  end: End,
): { satisfies: boolean; jobAction: 'none' | 'disable' | 'terminate' } {
  const options = optionsOf(task, end);
  const success = end.failure === undefined && end.exitCode === 0;
  const satisfies = (options?.dependencyAction ?? (success ? 'satisfy' : 'block')) === 'satisfy';
  if (job.specification.onTaskFailure !== 'performexitoptionsjobaction')
    return { satisfies, jobAction: 'none' };
  return { satisfies, jobAction: options?.jobAction ?? (success ? 'none' : 'terminate') };
}
