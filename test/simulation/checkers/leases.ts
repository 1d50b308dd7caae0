import type { NodeKey, TaskKey } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker, RunningTry, Sight } from '../observers.js';

const NAME = 'leases';
/** Two clocks that run 0.25 % apart over a lease, and the millisecond in which things end. */
const SLACK_MS = 2;

const place = ({ agent, attempt }: RunningTry) =>
  `${agent.nodeKey};${agent.incarnation} (try ${attempt}, leased until ${agent.leaseUntil})`;

const others = (sight: Sight, taskKey: TaskKey) =>
  [...sight.running].filter((one) => one.taskKey === taskKey);

/** A task runs in one place at a time, and only where a live lease allows it. */
export function leasesChecker(): Checker {
  /** The highest try of each task that ever began: numbers grow, so an older one never begins again. */
  const highest = new Map<TaskKey, number>();
  return {
    name: NAME,
    started(started, sight) {
      const { agent, taskKey, attempt } = started;
      check(
        agent.leaseUntil > sight.now - SLACK_MS,
        NAME,
        () => `${taskKey} started without a lease on ${place(started)}`,
      );
      for (const other of others(sight, taskKey))
        check(
          other === started,
          NAME,
          () => `${taskKey} runs twice: on ${place(other)} and on ${place(started)}`,
        );
      const before = highest.get(taskKey) ?? 0;
      check(
        attempt > before,
        NAME,
        () => `${taskKey} begins try ${attempt} after try ${before} on ${place(started)}`,
      );
      highest.set(taskKey, attempt);
    },
    committed({ changes }, sight) {
      for (const { kind, key, before, after } of changes) {
        // A job made anew under the same name counts its tries anew.
        if (kind === 'job' && before?.creationTime !== after?.creationTime)
          for (const task of highest.keys()) if (task.startsWith(`${key}/`)) highest.delete(task);
        if (kind !== 'task' || after?.phase !== 'assigned') continue;
        if (before?.attempt === after.attempt) continue;
        for (const other of others(sight, after.key))
          check(
            other.agent.nodeKey === (after.node as NodeKey) || other.agent.leaseUntil <= sight.now,
            NAME,
            () => `${after.key} is given to ${after.node ?? ''} while it runs on ${place(other)}`,
          );
      }
    },
  };
}
