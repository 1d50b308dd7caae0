import type { Properties } from '../json.js';
import type { DataPlane } from '../ports.js';
import { taskKey } from './wire.js';

const TASKS_A_CALL = 100;

/** Some tasks were refused; `added` are those that the job holds, of before or from now. */
export class TasksRefused extends Error {
  constructor(
    readonly added: ReadonlySet<string>,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Adds what is not there yet.
 * @param tasks bodies of the service
 * @throws TasksRefused with the service's words about the first task that it did not take
 */
export async function addTasks(
  jobId: string,
  tasks: readonly Properties[],
  data: DataPlane,
): Promise<void> {
  const added = new Set<string>();
  const refused: string[] = [];
  for (let from = 0; from < tasks.length; from += TASKS_A_CALL) {
    const results = await data.job.addTasks(jobId, tasks.slice(from, from + TASKS_A_CALL));
    for (const { taskId, error } of results)
      if (error === undefined || error.code === 'TaskExists') added.add(taskKey({ id: taskId }));
      else refused.push(`task ${taskId} was refused: ${error.code}: ${error.message}`);
    if (refused.length > 0) break;
  }
  const [first] = refused;
  if (first !== undefined)
    throw new TasksRefused(
      added,
      first + (refused.length > 1 ? ` (and ${refused.length - 1} more)` : ''),
    );
}
