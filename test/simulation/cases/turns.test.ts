import { describe, expect, it } from 'vitest';
import type { Job } from '../../../controller/core/job/state.js';
import type { Node } from '../../../controller/core/node/state.js';
import type { Pool } from '../../../controller/core/pool/state.js';
import type { Task } from '../../../controller/core/task/state.js';
import { jobKey, poolKey, taskKey, nodeKey } from '../../../protocol/keys.js';
import { turnsChecker } from '../checkers/turns.js';
import { Committed, type Change } from '../committed.js';
import type { Sight } from '../observers.js';
import { ACCOUNT } from '../workload.js';

const pool = poolKey(ACCOUNT, 'pool');
const job = jobKey(ACCOUNT, 'job');
const minute = 60_000;

/** A task of three slots that waits, and one of one slot that is placed again and again. */
function scene() {
  const committed = new Committed();
  const { tables } = committed;
  const specification = { taskSlotsPerNode: 4, maxParallelTasks: -1, priority: 0 };
  tables.pool.set(pool, { key: pool, state: 'active', specification } as unknown as Pool);
  const node = nodeKey(pool, 'n');
  tables.node.set(node, {
    ...{ key: node, pool, state: 'running', schedulingState: 'enabled' },
  } as unknown as Node);
  tables.job.set(job, { key: job, pool, state: 'active', specification } as unknown as Job);
  const wide = taskKey(job, 'wide');
  const row = { job, creationTime: 1, attempt: 0, sequence: 1, state: 'active' };
  tables.task.set(wide, { ...row, key: wide, requiredSlots: 3 } as unknown as Task);
  committed.tasksOfJob.set(job, new Set([wide]));
  const checker = turnsChecker();
  const sight = { committed } as unknown as Sight;
  const look = (at: number, others: boolean) => {
    const key = taskKey(job, 'narrow');
    const after = { ...row, key, requiredSlots: 1, phase: 'assigned', attempt: 1 };
    const change = { kind: 'task', key, before: undefined, after } as unknown as Change;
    checker.committed?.(
      { number: 1, at, changes: others ? [change] : [], batch: {} as never },
      sight,
    );
  };
  return { look, tables, node };
}

describe('the checker of turns', () => {
  it('finds a wide task that waits on and on while others are placed', () => {
    const { look } = scene();
    for (let at = 0; at < 8 * minute; at += minute) look(at, true);
    expect(() => look(8 * minute, true)).toThrow(/wide needs 3 and waits since 480000 ms/);
  });

  it('says nothing where nothing is placed, or where the nodes change', () => {
    const quiet = scene();
    for (let at = 0; at < 60 * minute; at += minute) quiet.look(at, false);
    const { look, tables, node } = scene();
    const row = tables.node.get(node);
    for (let at = 0; at < 7 * minute; at += minute) look(at, true);
    tables.node.clear();
    look(7 * minute, true);
    if (row !== undefined) tables.node.set(node, row);
    for (let at = 8 * minute; at < 15 * minute; at += minute) look(at, true);
  });
});
