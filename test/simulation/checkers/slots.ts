import type { NodeKey } from '../../../protocol/keys.js';
import { poolOf } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'slots';

/** Tasks that run on a node never need more slots than it has, beside the node and in the rows. */
export function slotsChecker(): Checker {
  return {
    name: NAME,
    started({ agent, taskKey }, sight) {
      let used = 0;
      for (const other of sight.running)
        if (other.agent === agent) used += other.assignment.requiredSlots;
      check(
        used <= agent.slots,
        NAME,
        () => `${agent.nodeKey} runs ${used} slots of ${agent.slots} since ${taskKey} started`,
      );
    },
    committed({ changes }, sight) {
      for (const { kind, after } of changes) {
        if (kind !== 'node' || after === undefined) continue;
        const slots = slotsOf(after.key, sight);
        check(
          slots === undefined || after.runningTaskSlotsCount <= slots,
          NAME,
          () => `${after.key} counts ${after.runningTaskSlotsCount} slots of ${slots ?? 0}`,
        );
        check(
          after.runningTasksCount >= 0 && after.runningTaskSlotsCount >= after.runningTasksCount,
          NAME,
          () =>
            `${after.key} counts ${after.runningTasksCount} tasks in ${after.runningTaskSlotsCount} slots`,
        );
      }
    },
  };
}

const slotsOf = (node: NodeKey, { committed }: Sight) =>
  committed.tables.pool.get(poolOf(node))?.specification.taskSlotsPerNode;
