import { check } from '../failure.js';
import type { Checker } from '../observers.js';

const NAME = 'completion';

/** A completion is recorded once and for all, and what is completed does not run (unless reactivated). */
export function completionChecker(): Checker {
  return {
    name: NAME,
    committed({ changes }, { acknowledged }) {
      for (const { kind, key, before, after } of changes) {
        if (kind !== 'task' || before?.state !== 'completed' || after === undefined) continue;
        if (before.creationTime !== after.creationTime) continue;
        if (after.state !== 'completed') {
          check(
            acknowledged.mayBeReactivated(key),
            NAME,
            () => `${key} was completed and is ${after.state}, and nobody reactivated it`,
          );
          continue;
        }
        const same = JSON.stringify(before.execution) === JSON.stringify(after.execution);
        check(
          (same && before.attempt === after.attempt) || acknowledged.mayBeReactivated(key),
          NAME,
          () => `the completion of ${key} was recorded twice`,
        );
      }
    },
    started({ taskKey, attempt }, { committed }) {
      const task = committed.tables.task.get(taskKey);
      check(
        task?.state !== 'completed' || task.attempt < attempt,
        NAME,
        () => `${taskKey} is completed and its try ${attempt} begins`,
      );
      check(
        task === undefined || task.attempt >= attempt,
        NAME,
        () => `try ${attempt} of ${taskKey} begins, but only ${task?.attempt ?? 0} are durable`,
      );
    },
  };
}
