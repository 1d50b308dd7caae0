import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import { taskEnded } from './complete.js';
import { terminateTask } from './remove.js';
import type { Task } from './state.js';

/** From a task's adding to its completion at most (contract, section 9); since 2018-12 in Azure. */
const TASK_LIFE_MS = 180 * 86_400_000;
/** The tasks of a job are looked through no oftener than that. */
const LOOK_MS = 3_600_000;

const isOver = (task: Task, now: number) => now >= task.creationTime + TASK_LIFE_MS;

/** Why a task that somebody or its age stopped has ended. */
export const reasonOfEnd = (task: Task, now: number) =>
  taskEnded(
    isOver(task, now)
      ? 'The task was not completed within 180 days after it was added'
      : 'The task was ended by request of the user',
  );

/** When some task of the job may have become too old. */
export const lifeDeadline = ({ state }: Recorder, job: Job): number =>
  state.workOfJob(job.key).oldest + TASK_LIFE_MS;

/** Ends the tasks of the job that were added too long ago, within an hour of their time. */
export function endOldTasks(recorder: Recorder, job: Job): void {
  const { now, state } = recorder;
  if (now < lifeDeadline(recorder, job)) return;
  const work = state.workOfJob(job.key);
  let oldest = Infinity;
  for (const task of [...work.tasks]) {
    if (task.state === 'completed') continue;
    if (isOver(task, now)) terminateTask(recorder, task, reasonOfEnd(task, now));
    else oldest = Math.min(oldest, task.creationTime);
  }
  for (const { id, creationTime } of [...work.shelf]) {
    const task = now >= creationTime + TASK_LIFE_MS ? work.ready.lift(id) : undefined;
    if (task !== undefined) terminateTask(recorder, task, reasonOfEnd(task, now));
    else oldest = Math.min(oldest, creationTime);
  }
  work.oldest = Math.max(oldest, now + LOOK_MS - TASK_LIFE_MS);
}
