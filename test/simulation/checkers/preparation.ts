import { jobNodeKey, jobOf, type NodeKey, type TaskKey } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'preparation';

/**
 * Tasks of a job begin on a node only after its preparation task succeeded there; the release task
 * begins there only when nothing else of the job runs.
 */
export function preparationChecker(): Checker {
  return {
    name: NAME,
    started({ agent, taskKey, assignment }, sight) {
      const job = sight.committed.tables.job.get(jobOf(assignment.taskKey as TaskKey));
      const { jobPreparationTask, jobReleaseTask } = job?.specification ?? {};
      if (job === undefined || jobPreparationTask === undefined) return;
      if (assignment.taskId === jobPreparationTask.id) return;
      const row = sight.committed.tables.jobNode.get(jobNodeKey(job.key, agent.nodeKey));
      if (assignment.taskId === jobReleaseTask?.id) {
        check(
          row?.preparation.begun === true,
          NAME,
          () => `${taskKey} releases a node that was never prepared`,
        );
        const [other] = othersOf(job.key, agent.nodeKey, taskKey, sight);
        check(
          other === undefined,
          NAME,
          () => `${taskKey} begins while ${other ?? ''} runs on ${agent.nodeKey}`,
        );
        return;
      }
      check(
        row?.preparation.result === 'success' || (row !== undefined && !waits(jobPreparationTask)),
        NAME,
        () => `${taskKey} begins on ${agent.nodeKey}, which is not prepared`,
      );
    },
    committed({ changes }, { committed }) {
      for (const { kind, key, before, after } of changes) {
        if (kind !== 'job' || after?.state !== 'completed' || before?.state === 'completed')
          continue;
        for (const row of committed.tables.jobNode.values())
          check(
            row.job !== key ||
              (row.preparation.phase === undefined && row.release?.phase === undefined),
            NAME,
            () => `${key} is completed and a special task of it is still on ${row.node}`,
          );
      }
    },
  };
}

const waits = ({ waitForSuccess }: { waitForSuccess: boolean }) => waitForSuccess;

function* othersOf(
  job: string,
  node: NodeKey,
  taskKey: string,
  { running, now }: Sight,
): Iterable<string> {
  for (const other of running)
    if (
      other.agent.nodeKey === node &&
      other.taskKey !== taskKey &&
      other.agent.leaseUntil > now &&
      jobOf(other.assignment.taskKey as TaskKey) === job
    )
      yield other.taskKey;
}
