import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeNodeDisableScheduling } from '../../controller/commands/compute-node/disable-scheduling.js';
import { computeNodeExplain } from '../../controller/commands/compute-node/explain.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { poolExplain } from '../../controller/commands/pool/explain.js';
import { taskExplain } from '../../controller/commands/task/explain.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const task = fc.record({
  kind: fc.constantFrom('plain', 'plain', 'wide', 'group', 'after', 'never'),
  size: fc.integer({ min: 1, max: 4 }),
});
const job = fc.record({
  priority: fc.integer({ min: -1, max: 1 }),
  maxParallelTasks: fc.constantFrom(-1, -1, 1, 2),
  allowTaskPreemption: fc.boolean(),
  prepares: fc.boolean(),
  disabled: fc.constantFrom(false, false, false, true),
  tasks: fc.array(task, { minLength: 1, maxLength: 5 }),
});
const world = fc.record({
  dedicated: fc.integer({ min: 0, max: 3 }),
  lowPriority: fc.integer({ min: 0, max: 1 }),
  slots: fc.integer({ min: 1, max: 3 }),
  closed: fc.integer({ min: 0, max: 2 }),
  failures: fc.integer({ min: 0, max: 3 }),
  jobs: fc.array(job, { minLength: 1, maxLength: 3 }),
});

function bodyOf({ kind, size }: { kind: string; size: number }, id: string) {
  if (kind === 'wide') return { id, requiredSlots: size };
  if (kind === 'after') return { id, dependsOn: { taskIds: ['0'] } };
  if (kind === 'never') return { id, dependsOn: { taskIds: ['never'] } };
  const multiInstanceSettings = { numberOfInstances: size, coordinationCommandLine: '/bin/true' };
  return kind === 'group' ? { id, multiInstanceSettings } : { id };
}

/** A pool with jobs, after the pass that placed what could be placed; some preparations have failed. */
async function build(drawn: typeof world extends fc.Arbitrary<infer T> ? T : never) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', {
    targetDedicatedNodes: drawn.dedicated,
    targetLowPriorityNodes: drawn.lowPriority,
    taskSlotsPerNode: drawn.slots,
    enableInterNodeCommunication: true,
  });
  const body = { nodeDisableSchedulingOption: 'requeue' as const };
  for (const { id: nodeId } of driver.nodes('p').slice(0, drawn.closed))
    await driver.do(computeNodeDisableScheduling({ account, poolId: 'p', nodeId, body }));
  for (const [n, { tasks, prepares, disabled, ...specification }] of drawn.jobs.entries()) {
    const jobPreparationTask = { commandLine: '/bin/true', constraints: { maxTaskRetryCount: 0 } };
    await driver.addJob(`j${n}`, {
      ...specification,
      usesTaskDependencies: true,
      ...(prepares ? { jobPreparationTask } : {}),
    });
    const disableTasks = 'wait' as const;
    if (disabled) await driver.do(jobDisable({ account, jobId: `j${n}`, body: { disableTasks } }));
    await driver.addTasks(`j${n}`, ...tasks.map((one, index) => bodyOf(one, String(index))));
  }
  await driver.advance(10);
  for (let n = 0; n < drawn.failures; n += 1) {
    const preparation = driver.held.find(({ taskId }) => taskId === 'jobpreparation');
    if (preparation === undefined) break;
    driver.end(preparation.nodeKey, preparation, { exitCode: 1 });
    await driver.rest();
  }
  await driver.advance(10);
  return driver;
}

describe('explanations', () => {
  it('have a reason for every task that a pass of placement went past, and for every node and pool', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (drawn) => {
        const driver = await build(drawn);
        for (const { id: taskId, job: key, state, phase } of driver.store.all('task')) {
          if (state === 'completed' || phase !== undefined) continue;
          const jobId = key.slice(key.indexOf('/') + 1);
          const { reasons, unknown } = await driver.do(taskExplain({ account, jobId, taskId }));
          const codes = reasons.map(({ code }) => code);
          expect([jobId, taskId, codes.length + unknown.length]).not.toEqual([jobId, taskId, 0]);
          expect([jobId, taskId, codes]).not.toContainEqual(['TaskDue']);
        }
        expect((await driver.do(poolExplain({ account, poolId: 'p' }))).reasons).not.toEqual([]);
        for (const { id: nodeId } of driver.nodes('p')) {
          const why = await driver.do(computeNodeExplain({ account, poolId: 'p', nodeId }));
          expect(why.reasons).not.toEqual([]);
        }
      }),
      { numRuns: 80, seed: 8, endOnFailure: true },
    );
  }, 120_000);
});
