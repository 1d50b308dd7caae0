import type { Job } from '../../../controller/core/job/state.js';
import type { Pool } from '../../../controller/core/pool/state.js';
import type { Task } from '../../../controller/core/task/state.js';
import type { PoolKey } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';
import { isFree } from './dependencies.js';

const NAME = 'turns';
const LOOKS_EVERY_MS = 20_000;
/** Twice what the longest task takes that may stand in the way, and to spare. */
const TURN_MS = 8 * 60_000;

interface Wait {
  readonly creationTime: number;
  readonly attempt: number;
  /** The nodes that took tasks: where they change the wait begins anew. */
  readonly nodes: string;
  readonly since: number;
  /** What was placed in the pool when the wait began. */
  readonly placedBefore: number;
}

/** How many were placed in a pool, by the priority of their jobs. */
type Placed = Map<PoolKey, Map<number, number>>;

/**
 * Wide tasks get their turn: one that is first in line of its job, which none stands above, does not
 * wait on and on while others are placed around it.
 */
export function turnsChecker(): Checker {
  const placed: Placed = new Map();
  let waits = new Map<string, Wait>();
  let lookAt = 0;
  return {
    name: NAME,
    committed({ changes, at }, sight) {
      for (const change of changes)
        if (change.kind === 'task') countPlaced(placed, change.before, change.after, sight);
      if (at < lookAt) return;
      lookAt = at + LOOKS_EVERY_MS;
      const still = new Map<string, Wait>();
      for (const { pool, task, nodes, priority } of firstInLine(sight)) {
        const before = waits.get(task.key);
        const isSame =
          before?.creationTime === task.creationTime &&
          before.attempt === task.attempt &&
          before.nodes === nodes;
        const { creationTime, attempt } = task;
        const count = [...(placed.get(pool.key) ?? [])].reduce(
          (sum, [of, times]) => (of <= priority ? sum + times : sum),
          0,
        );
        const wait = isSame
          ? before
          : { creationTime, attempt, nodes, since: at, placedBefore: count };
        still.set(task.key, wait);
        check(
          at - wait.since < TURN_MS || count === wait.placedBefore,
          NAME,
          () =>
            `${task.key} needs ${task.instances ?? task.requiredSlots} and waits since ${at - wait.since} ms while ${count - wait.placedBefore} others were placed`,
        );
      }
      waits = still;
    },
  };
}

function countPlaced(
  placed: Placed,
  before: Task | undefined,
  after: Task | undefined,
  { committed }: Sight,
): void {
  // What is tried again comes first in its job, what has a higher priority everywhere, as they should.
  if (after?.phase === undefined || before?.attempt === after.attempt || after.attempt > 1) return;
  const { pool, specification } = committed.tables.job.get(after.job) ?? {};
  if (pool === undefined || specification === undefined) return;
  const counts = placed.get(pool) ?? new Map<number, number>();
  counts.set(specification.priority, (counts.get(specification.priority) ?? 0) + 1);
  placed.set(pool, counts);
}

/** Of each pool that has nodes, the wide tasks at the head of the jobs that have the highest priority there. */
function* firstInLine({ committed }: Sight): Iterable<{
  pool: Pool;
  task: Task;
  nodes: string;
  priority: number;
}> {
  const { tables } = committed;
  for (const pool of tables.pool.values()) {
    if (pool.state !== 'active') continue;
    const ready = [...tables.node.values()].filter(
      (node) =>
        node.pool === pool.key &&
        (node.state === 'idle' || node.state === 'running') &&
        node.schedulingState === 'enabled' &&
        node.leaving === undefined &&
        node.draining === undefined,
    );
    if (ready.length === 0) continue;
    const heads = [...tables.job.values()]
      .filter((job) => job.pool === pool.key && job.state === 'active')
      .flatMap((job) => headOf(job, committed) ?? []);
    const highest = Math.max(...heads.map(({ priority }) => priority));
    const first = heads.filter(({ priority }) => priority === highest);
    // Several take turns, and each may take its time.
    const [only] = first.length === 1 ? first : [];
    if (only === undefined || only.isHeld) continue;
    const { task } = only;
    if (isWide(task, pool, ready.length))
      yield { pool, task, nodes: ready.map(({ key }) => key).join(), priority: highest };
  }
}

/** The oldest task of the job that waits for nothing but room; `isHeld`: its job may hold it back itself. */
function headOf(
  job: Job,
  committed: Sight['committed'],
): { task: Task; priority: number; isHeld: boolean } | undefined {
  const { jobPreparationTask, maxParallelTasks, priority } = job.specification;
  const rows = [...(committed.tasksOfJob.get(job.key) ?? [])].flatMap((key) => {
    const task = committed.tables.task.get(key);
    return task === undefined ? [] : [task];
  });
  // Nodes on which its preparation failed are none for it.
  const isHeld = jobPreparationTask !== undefined || maxParallelTasks > 0;
  const waiting = rows.filter(
    (task) =>
      task.state === 'active' &&
      task.phase === undefined &&
      isFree(task, committed.bodies.get(task.key), committed),
  );
  const [first] = waiting.sort((a, b) => b.attempt - a.attempt || a.sequence - b.sequence);
  return first === undefined ? undefined : { task: first, priority, isHeld };
}

function isWide(task: Task, { specification }: Pool, ready: number): boolean {
  if (task.dedicatedOnly === true || task.subtasks?.some(({ dying }) => dying === true) === true)
    return false;
  if (task.instances === undefined)
    return task.requiredSlots > 1 && task.requiredSlots <= specification.taskSlotsPerNode;
  const { enableInterNodeCommunication, taskSlotsPerNode } = specification;
  return enableInterNodeCommunication && taskSlotsPerNode === 1 && task.instances <= ready;
}
