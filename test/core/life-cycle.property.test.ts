import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobDelete } from '../../controller/commands/job/delete.js';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { jobTerminate } from '../../controller/commands/job/terminate.js';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { poolStopResize } from '../../controller/commands/pool/stop-resize.js';
import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskReactivate } from '../../controller/commands/task/reactivate.js';
import { taskTerminate } from '../../controller/commands/task/terminate.js';
import type { NodeDeallocationOption } from '../../controller/core/pool/state.js';
import type { Command } from '../../controller/engine/command.js';
import { BatchError } from '../../protocol/batch/errors.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const options = ['requeue', 'terminate', 'taskcompletion', 'retaineddata'] as const;
const disables = ['requeue', 'terminate', 'wait'] as const;

/** What may happen, each with two numbers that choose the details. */
const deeds = {
  addTasks: 6,
  begin: 5,
  end: 8,
  fail: 3,
  giveBack: 1,
  terminateTask: 2,
  deleteTask: 2,
  reactivate: 2,
  resize: 2,
  stopResize: 1,
  reboot: 1,
  disable: 1,
  enable: 3,
  terminateJob: 1,
  deleteJob: 1,
  addJob: 2,
  wait: 3,
  fallSilent: 1,
  lose: 1,
  forget: 1,
  restart: 1,
} as const;
type Deed = keyof typeof deeds;

const deed = fc.record({
  what: fc.oneof(
    ...(Object.entries(deeds) as [Deed, number][]).map(([what, weight]) => ({
      arbitrary: fc.constant(what),
      weight,
    })),
  ),
  a: fc.nat(50),
  b: fc.nat(50),
});

/** Runs a command; a refusal is an answer like another. */
async function attempt(driver: CoreDriver, command: Command<unknown>): Promise<void> {
  try {
    await driver.do(command);
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
  }
}

async function act(
  driver: CoreDriver,
  { what, a, b }: { what: Deed; a: number; b: number },
): Promise<void> {
  const jobId = `j${a % 2}`;
  const taskId = String(b % 12);
  const held = driver.held[b % Math.max(1, driver.held.length)];
  const nodeKey = [...driver.boots.keys()][a % Math.max(1, driver.boots.size)];
  const pick = <T>(list: readonly T[]) => list[b % list.length] as T;
  switch (what) {
    case 'addTasks': {
      const dependsOn = a % 3 === 0 ? { dependsOn: { taskIds: [String((b + 1) % 12)] } } : {};
      await driver
        .addTasks(jobId, {
          id: taskId,
          requiredSlots: 1 + (a % 3),
          constraints: { maxTaskRetryCount: a % 2 },
          ...dependsOn,
        })
        .catch((error: unknown) => {
          if (!(error instanceof BatchError)) throw error;
        });
      return;
    }
    case 'begin':
      if (held !== undefined)
        driver.begin(held.nodeKey, { taskKey: held.taskKey, attempt: held.attempt });
      return driver.rest();
    case 'end':
    case 'fail':
      if (held !== undefined)
        driver.end(
          held.nodeKey,
          { taskKey: held.taskKey, attempt: held.attempt },
          { exitCode: what === 'end' ? 0 : 1 },
        );
      return driver.rest();
    case 'giveBack':
      if (held !== undefined) {
        driver.boots.get(held.nodeKey)?.held.delete(`${held.taskKey}#${held.attempt}`);
        driver.say(held.nodeKey, {
          type: 'attemptReturned',
          taskKey: held.taskKey,
          attempt: held.attempt,
        });
      }
      return driver.rest();
    case 'terminateTask':
      return attempt(driver, taskTerminate({ account, jobId, taskId }));
    case 'deleteTask':
      return attempt(driver, taskDelete({ account, jobId, taskId }));
    case 'reactivate':
      return attempt(driver, taskReactivate({ account, jobId, taskId }));
    case 'resize': {
      const nodeDeallocationOption: NodeDeallocationOption = pick(options);
      const body = {
        targetDedicatedNodes: a % 4,
        targetLowPriorityNodes: b % 2,
        resizeTimeout: 'PT5M',
        nodeDeallocationOption,
      };
      return attempt(driver, poolResize({ account, poolId: 'p', body }));
    }
    case 'stopResize':
      return attempt(driver, poolStopResize({ account, poolId: 'p' }));
    case 'reboot': {
      const nodeId = driver.nodes('p')[a % 3]?.id ?? 'none';
      return attempt(
        driver,
        computeNodeReboot({
          account,
          poolId: 'p',
          nodeId,
          body: { nodeRebootOption: pick(options) },
        }),
      );
    }
    case 'disable':
      return attempt(
        driver,
        jobDisable({ account, jobId, body: { disableTasks: pick(disables) } }),
      );
    case 'enable':
      return attempt(driver, jobEnable({ account, jobId }));
    case 'terminateJob':
      return attempt(driver, jobTerminate({ account, jobId }));
    case 'deleteJob':
      return attempt(driver, jobDelete({ account, jobId }));
    case 'addJob':
      return driver
        .addJob(jobId, { usesTaskDependencies: true, maxParallelTasks: b % 2 === 0 ? -1 : 2 })
        .catch((error: unknown) => {
          if (!(error instanceof BatchError)) throw error;
        });
    case 'wait':
      return driver.advance(a * 200);
    case 'fallSilent':
      driver.silent = true;
      await driver.advance(a * 1000);
      driver.silent = false;
      for (const key of driver.boots.keys()) driver.connect(key);
      return driver.rest();
    case 'lose':
      if (nodeKey === undefined) return;
      driver.engine.report({
        type: 'nodeGone',
        nodeKey,
        incarnation: driver.boots.get(nodeKey)?.incarnation ?? 0,
      });
      driver.boots.delete(nodeKey);
      return driver.rest();
    case 'forget':
      if (nodeKey === undefined) return;
      driver.boots.get(nodeKey)?.held.clear();
      driver.connect(nodeKey);
      return driver.rest();
    case 'restart':
      return driver.restart();
  }
}

/** No task twice at once: each is held by at most one agent in its current attempt. */
function checkHeldOnce(driver: CoreDriver): void {
  const current = driver.held.filter(
    (one) => driver.store.get('task', one.taskKey)?.attempt === one.attempt,
  );
  expect(new Set(current.map((one) => one.taskKey)).size).toBe(current.length);
}

/** Durable counts are those of the durable tasks. */
function checkCounts(driver: CoreDriver): void {
  for (const job of driver.store.all('job')) {
    const tasks = driver.store.all('task').filter((task) => task.job === job.key);
    const count = (state: string) => tasks.filter((task) => task.state === state).length;
    const result = (text: string) => tasks.filter((task) => task.execution.result === text).length;
    expect(job.taskCounts).toEqual({
      active: count('active'),
      running: count('running'),
      completed: count('completed'),
      succeeded: result('success'),
      failed: result('failure'),
    });
  }
}

describe('whatever happens, in any order', () => {
  it('counts are exact, no task runs twice at once, and everything comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 60 }), async (list) => {
        const driver = await CoreDriver.start();
        await driver.addPool('p', { targetDedicatedNodes: 2, taskSlotsPerNode: 2 });
        await driver.addJob('j0', { usesTaskDependencies: true });
        for (const one of list) {
          await act(driver, one);
          checkHeldOnce(driver);
          checkCounts(driver);
        }
        await comeToRest(driver);
      }),
      { numRuns: 150, seed: Number(process.env['FC_SEED'] ?? 1) },
    );
  });
});

/** With nodes and agents that do their part, every task that may run is completed in bounded time. */
async function comeToRest(driver: CoreDriver): Promise<void> {
  driver.auto = () => ({ exitCode: 0 });
  await driver.advance(16 * 60_000);
  await attempt(
    driver,
    poolResize({
      account,
      poolId: 'p',
      body: { targetDedicatedNodes: 2, resizeTimeout: 'PT5M', nodeDeallocationOption: 'requeue' },
    }),
  );
  for (const jobId of ['j0', 'j1']) await attempt(driver, jobEnable({ account, jobId }));
  for (let round = 0; round < 20; round += 1) {
    await driver.advance(1000);
    for (const { nodeKey, taskKey, attempt: number } of driver.held)
      driver.end(nodeKey, { taskKey, attempt: number });
    await driver.rest();
  }
  expect(driver.pool('p')).toMatchObject({ allocationState: 'steady' });
  for (const job of driver.store.all('job')) expect(['active', 'completed']).toContain(job.state);
  for (const task of driver.store.all('task')) {
    const job = driver.store.get('job', task.job);
    if (task.state === 'completed' || job?.state === 'completed' || task.requiredSlots > 2)
      continue;
    const parents = [...(driver.state?.jobWork.get(task.job)?.tasks ?? [])];
    const blocked = parents.some(
      (one) =>
        one.key === task.key && driver.state?.jobWork.get(task.job)?.dependencies.isBlocked(one),
    );
    expect({ task: task.key, blocked }).toEqual({ task: task.key, blocked: true });
  }
}
