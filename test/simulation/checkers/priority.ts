import type { Task } from '../../../controller/core/task/state.js';
import type { NodeKey, PoolKey } from '../../../protocol/keys.js';
import type { Commit } from '../committed.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';
import { isFree } from './dependencies.js';

const NAME = 'priority';
const HAUNTED_MS = 120_000;

interface Placement {
  readonly task: Task;
  readonly node: NodeKey;
  readonly priority: number;
}

/**
 * No task is placed while one of a job of higher priority in the same pool waits that would have
 * fitted in its place. Attempts given in advance (beyond a node's slots) don't count as places.
 */
export function priorityChecker(): Checker {
  /** Nodes on which deleted tasks may still take slots that no row tells of, and until when. */
  const haunted = new Map<NodeKey, number>();
  return {
    name: NAME,
    committed(commit, sight) {
      for (const { kind, before, after } of commit.changes)
        if (
          kind === 'task' &&
          after === undefined &&
          before?.phase !== undefined &&
          before.node !== undefined
        )
          haunted.set(before.node, commit.at + HAUNTED_MS);
      for (const [pool, placements] of placementsOf(commit, sight)) {
        const lowest = Math.min(...placements.map(({ priority }) => priority));
        for (const waiting of waitingAbove(pool, lowest, sight))
          for (const placement of placements)
            if ((haunted.get(placement.node) ?? 0) < commit.at)
              checkPair(waiting, placement, placements, sight);
      }
    },
  };
}

function placementsOf({ changes }: Commit, { committed }: Sight): Map<PoolKey, Placement[]> {
  const found = new Map<PoolKey, Placement[]>();
  for (const { kind, before, after } of changes) {
    if (kind !== 'task' || after?.phase !== 'assigned' || before?.attempt === after.attempt)
      continue;
    const job = committed.tables.job.get(after.job);
    if (job?.pool === undefined || after.node === undefined) continue;
    const placement = { task: after, node: after.node, priority: job.specification.priority };
    const placements = found.get(job.pool);
    if (placements === undefined) found.set(job.pool, [placement]);
    else placements.push(placement);
  }
  return found;
}

/** Tasks that wait for nothing but room, of active jobs of the pool with more than this priority. */
function* waitingAbove(
  pool: PoolKey,
  priority: number,
  sight: Sight,
): Iterable<{ task: Task; priority: number }> {
  const { tables, tasksOfJob, bodies } = sight.committed;
  for (const job of tables.job.values()) {
    if (job.pool !== pool || job.state !== 'active' || job.specification.priority <= priority)
      continue;
    // Nodes on which its preparation failed are none for it.
    if (job.specification.jobPreparationTask !== undefined) continue;
    const rows = [...(tasksOfJob.get(job.key) ?? [])].map((key) => tables.task.get(key));
    const limit = job.specification.maxParallelTasks;
    if (limit > 0 && rows.filter((row) => row?.phase !== undefined).length >= limit) continue;
    // The first in line stands for its job: those behind it wait for it.
    const first = rows.find(
      (task) =>
        task?.state === 'active' &&
        task.phase === undefined &&
        isFree(task, bodies.get(task.key), sight.committed),
    );
    // One that wants a whole node fits where nothing else does.
    if (first !== undefined && !first.runExclusive && first.instances === undefined)
      yield { task: first, priority: job.specification.priority };
  }
}

function checkPair(
  waiting: { task: Task; priority: number },
  placement: Placement,
  placements: readonly Placement[],
  { committed }: Sight,
): void {
  if (placement.priority >= waiting.priority || placement.task.instances !== undefined) return;
  const node = committed.tables.node.get(placement.node);
  const slots =
    node === undefined
      ? undefined
      : committed.tables.pool.get(node.pool)?.specification.taskSlotsPerNode;
  if (slots === undefined) return;
  const lower = new Set(
    placements
      .filter((one) => one.node === placement.node && one.priority < waiting.priority)
      .map((one) => one.task.key),
  );
  let used = 0;
  for (const task of committed.tables.task.values())
    if (task.node === placement.node && task.phase !== undefined && !lower.has(task.key))
      used += task.requiredSlots;
  for (const task of committed.tables.task.values())
    for (const subtask of task.subtasks ?? [])
      if (
        subtask.node === placement.node &&
        (subtask.phase !== undefined || subtask.dying === true)
      )
        used += 1;
  check(
    used + waiting.task.requiredSlots > slots,
    NAME,
    () =>
      `${placement.task.key} (priority ${placement.priority}) is placed on ${placement.node}, where ${waiting.task.key} (priority ${waiting.priority}) would fit`,
  );
}
