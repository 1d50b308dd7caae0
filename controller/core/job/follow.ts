import type { Recorder } from '../recorder.js';
import type { JobConsequence } from '../task/complete.js';
import type { Task } from '../task/state.js';
import { jobOfTask } from '../task/transition.js';
import { disableJob } from './disable.js';
import { terminateJob } from './terminate.js';

/** Does to the job what the end of one of its tasks asks for. */
export function followTask(
  recorder: Recorder,
  task: Task,
  consequence: JobConsequence | undefined,
): void {
  if (consequence === undefined) return;
  const job = jobOfTask(recorder.state, task.key);
  if (job.state === 'terminating' || job.state === 'completed' || job.state === 'deleting') return;
  if (consequence.action === 'terminate') terminateJob(recorder, job, consequence.reason);
  else if (job.state === 'active' || job.state === 'enabling') disableJob(recorder, job, 'requeue');
}
