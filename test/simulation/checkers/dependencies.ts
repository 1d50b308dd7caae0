import type { Task } from '../../../controller/core/task/state.js';
import type { TaskBody } from '../../../controller/engine/ports.js';
import { taskKey } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'dependencies';

/** Whether all that a task waits for is remembered as done. */
export function isFree(
  task: Task,
  body: TaskBody | undefined,
  committed: Sight['committed'],
): boolean {
  const { taskIds, taskIdRanges } = body?.dependsOn ?? {};
  if (!(taskIds ?? []).every((id) => committed.isSatisfied(task.job, id))) return false;
  for (const { start, end } of taskIdRanges ?? [])
    for (let number = start; number <= end; number += 1)
      if (!committed.isSatisfied(task.job, String(number))) return false;
  return true;
}

/**
 * A task is placed for the first time only when all it depends on is satisfied (a later try goes on,
 * though a parent may have been reactivated since); only a completed task satisfies.
 */
export function dependenciesChecker(): Checker {
  const placed = new Set<string>();
  return {
    name: NAME,
    committed({ changes, batch }, sight) {
      const { tables, bodies } = sight.committed;
      for (const { job, taskId } of batch.satisfied) {
        const task = tables.task.get(taskKey(job, taskId));
        check(
          task === undefined || task.state === 'completed',
          NAME,
          () => `${job}/${taskId} satisfies its dependants and is ${task?.state ?? ''}`,
        );
      }
      for (const { kind, key, before, after } of changes) {
        if (kind !== 'task' || after?.phase !== 'assigned' || before?.phase === 'assigned')
          continue;
        const life = `${key}@${after.creationTime}`;
        if (placed.has(life)) continue;
        placed.add(life);
        check(
          isFree(after, bodies.get(key), sight.committed),
          NAME,
          () => `${key} is placed before what it depends on is done`,
        );
      }
    },
  };
}
