import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { jobPatch } from '../../controller/commands/job/patch.js';
import { taskExplain } from '../../controller/commands/task/explain.js';
import { taskReactivate } from '../../controller/commands/task/reactivate.js';
import type { Settings } from '../../controller/core/settings.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

async function withNodes(
  nodes: number,
  properties: Record<string, unknown> = {},
  settings: Partial<Settings> = {},
) {
  const driver = await CoreDriver.start(settings);
  await driver.addPool('p', { targetDedicatedNodes: nodes, ...properties });
  return driver;
}
const held = (driver: CoreDriver) => driver.held.map((one) => one.taskId).sort();
const LONG = 60_000;
const endLong = (driver: CoreDriver, id: string, outcome: object = { exitCode: 0 }) =>
  driver.endTask(id, { startTime: driver.now - LONG, ...outcome });

/** The node that has the task dies, and is made again. */
async function killNodeOf(driver: CoreDriver, taskId: string): Promise<void> {
  const { nodeKey } = driver.holding(taskId);
  const incarnation = driver.boots.get(nodeKey)?.incarnation ?? 0;
  driver.boots.delete(nodeKey);
  driver.engine.report({ type: 'nodeGone', nodeKey, incarnation });
  await driver.advance(400_000);
}

describe('allowTaskPreemption', () => {
  it('lets a job of higher priority requeue what runs, as much as it needs and what came last first', async () => {
    const driver = await withNodes(3);
    await driver.addJob('low', { priority: -5, allowTaskPreemption: true });
    await driver.addTasks('low', 'a', 'b', 'c', 'd');
    for (const id of ['a', 'b', 'c']) await driver.beginTask(id);
    await driver.addJob('high', { priority: 5 });
    await driver.addTasks('high', 'x', 'y');
    await driver.advance(10);
    expect(held(driver)).toEqual(['a', 'x', 'y']);
    expect(driver.task('low', 'c')?.execution).toMatchObject({ requeueCount: 1, retryCount: 0 });
    expect(driver.task('low', 'a')?.execution.requeueCount).toBe(0);
    await endLong(driver, 'x');
    expect(held(driver)).toEqual(['a', 'b', 'y']);
  });

  it('is asked for by nobody of equal or lower priority, and of nobody that does not allow it', async () => {
    const driver = await withNodes(2);
    await driver.addJob('firm', { priority: -5 });
    await driver.addJob('soft', { priority: 0, allowTaskPreemption: true });
    await driver.addTasks('firm', 'a');
    await driver.addTasks('soft', 'b');
    for (const priority of [0, -1]) {
      await driver.addJob(`j${priority}`, { priority });
      await driver.addTasks(`j${priority}`, `x${priority}`);
    }
    await driver.advance(10);
    expect(held(driver)).toEqual(['a', 'b']);
    await driver.addJob('high', { priority: 9 });
    await driver.addTasks('high', 'h1', 'h2');
    await driver.advance(10);
    expect(held(driver)).toEqual(['a', 'h1']);
  });

  it('empties one node for a task that needs all its slots, once', async () => {
    const driver = await withNodes(2, { taskSlotsPerNode: 3 });
    await driver.addJob('low', { allowTaskPreemption: true });
    await driver.addTasks('low', 'a', 'b', 'c', 'd', 'e', 'f', 'g');
    for (const { taskId } of driver.held) await driver.beginTask(taskId);
    await driver.addJob('high', { priority: 1 });
    await driver.addTasks('high', { id: 'wide', requiredSlots: 3 });
    await driver.advance(10);
    expect(held(driver)).toContain('wide');
    expect(held(driver)).toHaveLength(4);
    const requeued = driver.store.all('task').filter((task) => task.execution.requeueCount > 0);
    expect(requeued).toHaveLength(3);
  });

  it('may be switched on and off while the job runs', async () => {
    const driver = await withNodes(1);
    await driver.addJob('low');
    await driver.addTasks('low', 'a');
    await driver.addJob('high', { priority: 1 });
    await driver.addTasks('high', 'x');
    await driver.advance(10);
    expect(held(driver)).toEqual(['a']);
    const allow = { allowTaskPreemption: true };
    await driver.do(jobPatch({ account, jobId: 'low', body: allow }));
    await driver.advance(10);
    expect(held(driver)).toEqual(['x']);
  });

  it('requeues multi-instance tasks as a whole, when all their nodes are needed or only one', async () => {
    const driver = await withNodes(3, { enableInterNodeCommunication: true });
    const group = (id: string, numberOfInstances: number) => ({
      id,
      multiInstanceSettings: { numberOfInstances, coordinationCommandLine: '/bin/true' },
    });
    await driver.addJob('low', { allowTaskPreemption: true });
    await driver.addTasks('low', group('wide', 2), 'a');
    expect(held(driver)).toEqual(['a', 'wide', 'wide:1']);
    for (const id of ['wide', 'wide:1', 'a']) await driver.beginTask(id);
    // One more than runs below it, and nothing is requeued in vain.
    await driver.addJob('high', { priority: 5 });
    await driver.addTasks('high', group('wider', 3));
    await driver.advance(10);
    expect(held(driver)).toEqual(['wider', 'wider:1', 'wider:2']);
    expect(driver.task('low', 'wide')).toMatchObject({
      state: 'active',
      execution: { requeueCount: 1, retryCount: 0 },
    });
    for (const id of ['wider', 'wider:1', 'wider:2']) await driver.beginTask(id);
    await endLong(driver, 'wider');
    await driver.advance(10);
    expect(held(driver)).toEqual(['a', 'wide', 'wide:1']);
    for (const id of held(driver)) await driver.beginTask(id);
    await driver.addTasks('high', 'x', 'y');
    await driver.advance(10);
    expect(held(driver)).toEqual(['a', 'x', 'y']);
    expect(driver.task('low', 'wide')?.execution.requeueCount).toBe(2);
  });

  it('takes nothing away for a multi-instance task that it would not help', async () => {
    const driver = await withNodes(3, { enableInterNodeCommunication: true });
    await driver.addJob('firm');
    await driver.addTasks('firm', 'f');
    await driver.addJob('low', { allowTaskPreemption: true });
    await driver.addTasks('low', 'a', 'b');
    for (const id of ['f', 'a', 'b']) await driver.beginTask(id);
    await driver.addJob('high', { priority: 5 });
    await driver.addTasks('high', {
      id: 'wide',
      multiInstanceSettings: { numberOfInstances: 3, coordinationCommandLine: '/bin/true' },
    });
    await driver.advance(10);
    expect(held(driver)).toEqual(['a', 'b', 'f']);
    await endLong(driver, 'f');
    await driver.advance(10);
    expect(held(driver)).toEqual(['wide', 'wide:1', 'wide:2']);
  });

  it('is not needed by a job manager that lost its node: it takes one of its own job', async () => {
    const driver = await withNodes(2);
    await driver.addJob('j', { jobManagerTask: { id: 'm', commandLine: 'x' } });
    await driver.addTasks('j', 'a', 'b', 'c');
    await driver.beginTask('m');
    await driver.beginTask('a');
    const { nodeKey } = driver.holding('m');
    const incarnation = driver.boots.get(nodeKey)?.incarnation ?? 0;
    driver.boots.delete(nodeKey);
    driver.engine.report({ type: 'nodeGone', nodeKey, incarnation });
    await driver.rest();
    await driver.advance(10);
    expect(held(driver)).toEqual(['m']);
  });
});

describe('a task that was running at too many node deaths', () => {
  it('is quarantined with a failure of its own, retries or not, until it is reactivated', async () => {
    const driver = await withNodes(1, {}, { nodeDeathsMaximum: 3 });
    await driver.addJob('j', { constraints: { maxTaskRetryCount: -1 } });
    await driver.addTasks('j', 'poison');
    for (let death = 1; death <= 3; death += 1) {
      expect(driver.task('j', 'poison')?.state).toBe('active');
      await driver.beginTask('poison');
      await killNodeOf(driver, 'poison');
    }
    expect(driver.task('j', 'poison')).toMatchObject({
      state: 'completed',
      nodeDeaths: 3,
      execution: {
        result: 'failure',
        retryCount: 0,
        requeueCount: 0,
        failureInfo: { category: 'servererror', code: 'TaskQuarantined' },
      },
    });
    const why = await driver.do(taskExplain({ account, jobId: 'j', taskId: 'poison' }));
    expect(why.reasons).toEqual([{ code: 'TaskQuarantined', values: { deaths: 3 } }]);
    await driver.do(taskReactivate({ account, jobId: 'j', taskId: 'poison' }));
    expect(driver.task('j', 'poison')?.nodeDeaths).toBeUndefined();
    await driver.beginTask('poison');
    await endLong(driver, 'poison');
    expect(driver.task('j', 'poison')?.execution.result).toBe('success');
  });

  it('is not one that only waited on those nodes, nor one that was requeued by a user', async () => {
    const driver = await withNodes(1, {}, { nodeDeathsMaximum: 1 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await killNodeOf(driver, 'a');
    expect(driver.task('j', 'a')?.nodeDeaths).toBeUndefined();
    await driver.beginTask('a');
    driver.silent = true;
    await driver.do(jobDisable({ account, jobId: 'j', body: { disableTasks: 'requeue' } }));
    driver.silent = false;
    await killNodeOf(driver, 'a');
    expect(driver.task('j', 'a')).toMatchObject({
      state: 'active',
      execution: { requeueCount: 1 },
    });
  });
});

describe('a task that is tried again', () => {
  it('goes to another node where one has room, and to the same where none has', async () => {
    const driver = await withNodes(2);
    await driver.addJob('j', { constraints: { maxTaskRetryCount: 5 } });
    await driver.addTasks('j', 'a');
    const first = driver.holding('a').nodeKey;
    await endLong(driver, 'a', { exitCode: 1 });
    const second = driver.holding('a').nodeKey;
    expect(second).not.toBe(first);
    await driver.addTasks('j', 'b');
    await endLong(driver, 'a', { exitCode: 1 });
    expect(driver.holding('a').nodeKey).toBe(second);
  });
});

describe('jobs of a pool', () => {
  it('of equal priority have their tasks run in turn, whatever each has queued', async () => {
    const driver = await withNodes(1);
    for (const [job, count] of [
      ['a', 6],
      ['b', 2],
      ['c', 3],
    ] as const) {
      await driver.addJob(job);
      await driver.addTasks(job, ...Array.from({ length: count }, (_, n) => `${job}${n}`));
    }
    let order = '';
    for (let n = 0; n < 11; n += 1) {
      const id = held(driver)[0] ?? '';
      order += id.charAt(0);
      await endLong(driver, id);
    }
    // a was alone at first; from then on each has its turn.
    expect(order).toBe('aabcabcacaa');
  });

  it('change places when a priority is patched while they run', async () => {
    const driver = await withNodes(1);
    await driver.addJob('a', { priority: 1 });
    await driver.addJob('b');
    await driver.addTasks('a', 'a1', 'a2');
    await driver.addTasks('b', 'b1');
    await driver.do(jobPatch({ account, jobId: 'b', body: { priority: 1000 } }));
    await endLong(driver, 'a1');
    expect(held(driver)).toEqual(['b1']);
  });

  it('may move to another pool while they are disabled, tasks and all', async () => {
    const driver = await withNodes(1);
    await driver.addPool('q', { targetDedicatedNodes: 1 });
    await driver.addJob('a');
    await driver.addTasks('a', 'a1', 'a2');
    await driver.beginTask('a1');
    await driver.do(jobDisable({ account, jobId: 'a', body: { disableTasks: 'requeue' } }));
    await driver.advance(10);
    const poolInfo = { poolId: 'q' };
    await driver.do(jobPatch({ account, jobId: 'a', body: { poolInfo } }));
    await driver.do(jobEnable({ account, jobId: 'a' }));
    expect(driver.held.map(({ nodeKey, taskId }) => [nodeKey.split('/')[1], taskId])).toEqual([
      ['q', 'a1'],
    ]);
  });

  it('that are empty and end with their tasks wait as long as is configured for the first', async () => {
    const driver = await CoreDriver.start({ emptyJobDelayMs: 60_000 });
    await driver.addJob('a', { onAllTasksComplete: 'terminatejob' });
    await driver.advance(59_000);
    expect(driver.job('a')?.state).toBe('active');
    await driver.advance(2_000);
    expect(driver.job('a')?.state).toBe('completed');
  });
});

const numberOf = (taskId: string) => Number(taskId.slice(1));

describe('a wide task', () => {
  it('is not starved: once a node is kept for it nothing small is placed there', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.nat(100), { minLength: 10, maxLength: 20 }),
        fc.constantFrom('pack', 'spread'),
        async (taskSlotsPerNode, nodes, picks, nodeFillType) => {
          const taskSchedulingPolicy = { nodeFillType };
          const driver = await withNodes(nodes, { taskSlotsPerNode, taskSchedulingPolicy });
          await driver.addJob('small');
          await driver.addJob('wide');
          for (let n = 0; n < 4; n += 1)
            await driver.addTasks(
              'small',
              ...Array.from({ length: 100 }, (_, m) => `s${n * 100 + m}`),
            );
          await driver.addTasks('wide', { id: 'w', requiredSlots: taskSlotsPerNode });
          const ends = new Map<string, number>();
          for (let n = 0; n < 300 && !held(driver).includes('w'); n += 1) {
            const all = driver.held;
            // Nothing runs for ever: each second end is that of the oldest.
            const oldest = [...all].sort((a, b) => numberOf(a.taskId) - numberOf(b.taskId))[0];
            const any = all[(picks[n % picks.length] ?? 0) % all.length];
            const one = n % 2 === 0 ? any : oldest;
            if (one === undefined) break;
            ends.set(one.nodeKey, (ends.get(one.nodeKey) ?? 0) + 1);
            await endLong(driver, one.taskId);
          }
          // All slots of its node ended once, and perhaps one more that began before it had its turn.
          expect(ends.get(driver.holding('w').nodeKey)).toBeLessThanOrEqual(taskSlotsPerNode + 1);
        },
      ),
      { numRuns: 20 },
    ));
});
