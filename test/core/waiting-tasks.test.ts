import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { jobDisable } from '../../controller/commands/job/disable.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { jobPatch } from '../../controller/commands/job/patch.js';
import { taskDelete } from '../../controller/commands/task/delete.js';
import { taskExplain } from '../../controller/commands/task/explain.js';
import { taskTerminate } from '../../controller/commands/task/terminate.js';
import { taskUpdate } from '../../controller/commands/task/update.js';
import { Shelf } from '../../controller/core/scheduler/shelf.js';
import type { Task } from '../../controller/core/task/state.js';
import { JobPatch } from '../../protocol/batch/job.js';
import { TaskUpdate } from '../../protocol/batch/task.js';
import { jobKey, taskKey } from '../../protocol/keys.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';

const JOB = jobKey(account, 'j');

const waiting = (id: string, sequence: number, more: Partial<Task> = {}): Task => ({
  ...{ key: taskKey(JOB, id), job: JOB, id, sequence },
  ...{ isJobManager: false, requiredSlots: 1, runExclusive: false, state: 'active' },
  ...{ stateTransitionTime: 7, creationTime: 7, lastModified: 7, version: 1 },
  ...{ maxTaskRetryCount: 0, attempt: 0, execution: { retryCount: 0, requeueCount: 0 } },
  ...more,
});

/** A pool without room, so that what is added waits. */
async function withWaiting(...tasks: (string | Record<string, unknown>)[]) {
  const driver = await CoreDriver.start();
  await driver.addPool('p', { targetDedicatedNodes: 0 });
  await driver.addJob('j', { usesTaskDependencies: true });
  if (tasks.length > 0) await driver.addTasks('j', ...tasks);
  return driver;
}
/** The job is queued again, for that pool. */
async function move(driver: CoreDriver, jobId: string, poolId: string) {
  await driver.do(jobDisable({ account, jobId, body: { disableTasks: 'requeue' } }));
  const body = JobPatch.parse({ poolInfo: { poolId } });
  await driver.do(jobPatch({ account, jobId, body }));
  await driver.do(jobEnable({ account, jobId }));
}
const packed = (driver: CoreDriver) =>
  [...(driver.state?.jobWork.get(JOB)?.shelf ?? [])].map(({ id }) => id).sort();
const unpacked = (driver: CoreDriver) =>
  [...(driver.state?.tasks.values() ?? [])].map(({ id }) => id).sort();
const ids = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`);

describe('tasks that wait for room only', () => {
  it('are packed once they are durable, and what they have in common is kept once', async () => {
    const driver = await withWaiting(...ids(90), { id: 'wide', requiredSlots: 2 });
    expect(unpacked(driver)).toEqual([]);
    expect(packed(driver)).toHaveLength(91);
    const moulds = [...(driver.state?.jobWork.get(JOB)?.shelf.moulds ?? [])];
    expect(moulds.map(({ count }) => count)).toEqual([90, 1]);
  });

  it('are packed after a restart', async () => {
    const driver = await withWaiting(...ids(20));
    await driver.restart();
    expect([unpacked(driver), packed(driver).length]).toEqual([[], 20]);
  });

  it('are in memory as themselves while others must end first', async () => {
    const driver = await withWaiting('a', { id: 'b', dependsOn: { taskIds: ['a'] } });
    expect([packed(driver), unpacked(driver)]).toEqual([['a'], ['b']]);
  });

  it('run in the order in which they were added, whatever was asked of them meanwhile', async () => {
    const driver = await withWaiting(...ids(8));
    await driver.do(taskExplain({ account, jobId: 'j', taskId: 't2' }));
    const body = TaskUpdate.parse({ constraints: { maxTaskRetryCount: 3 } });
    await driver.do(taskUpdate({ account, jobId: 'j', taskId: 't5', body }));
    await driver.do(taskDelete({ account, jobId: 'j', taskId: 't1' }));
    await driver.do(taskTerminate({ account, jobId: 'j', taskId: 't4' }));
    expect(unpacked(driver)).toEqual(['t5']);
    const order: string[] = [];
    driver.auto = (key) => {
      order.push(key.slice(key.lastIndexOf('/') + 1));
      return { exitCode: 0 };
    };
    await driver.addPool('q', { targetDedicatedNodes: 1 });
    await move(driver, 'j', 'q');
    await driver.advance(1_000);
    expect(order).toEqual(['t0', 't2', 't3', 't5', 't6', 't7']);
    expect(driver.store.get('job', JOB)?.taskCounts).toMatchObject({ active: 0, completed: 7 });
  });

  it('stay packed where they can never fit, and have their turn in another pool', async () => {
    const driver = await withWaiting();
    await driver.addPool('narrow', { targetDedicatedNodes: 1 });
    await driver.addPool('roomy', { targetDedicatedNodes: 1, taskSlotsPerNode: 4 });
    await driver.addJob('j2', { poolInfo: { poolId: 'narrow' } });
    const wide = ids(5).map((id) => ({ id, requiredSlots: 3 }));
    await driver.addTasks('j2', ...wide, 'small');
    const shelf = () => driver.state?.jobWork.get(jobKey(account, 'j2'))?.shelf;
    await driver.endTask('small');
    expect([shelf()?.size, shelf()?.waiting]).toEqual([5, 0]);
    expect(unpacked(driver)).toEqual([]);
    await move(driver, 'j2', 'roomy');
    expect(driver.held.map(({ taskId }) => taskId)).toEqual(ids(5));
  });

  it('take less than 200 bytes of memory each', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const count = 50_000;
    const before = used();
    const shelf = new Shelf(JOB);
    for (let at = 0; at < count; at += 1) shelf.put(waiting(`task-${String(at)}`, at));
    expect((used() - before) / count).toBeLessThan(200);
    expect(shelf.size).toBe(count);
  });
});

describe('the shelf', () => {
  it.each<[string, Partial<Task>]>([
    ['as it was added', {}],
    ['in capitals', { id: 'UPPER' }],
    ['with limits', { maxTaskRetryCount: 3, maxWallClockTimeMs: 5, retentionTimeMs: 6 }],
    [
      'with a node that it likes and consequences',
      { affinityNode: 'n', exitConditions: { default: { jobAction: 'disable' } } },
    ],
    ['that an agent gave back', { attempt: 4 }],
  ])('gives a task %s back as it was', (_, more) => {
    const task = waiting('a', 3, more);
    const shelf = new Shelf(JOB);
    expect(shelf.put(task)).toBe(true);
    expect(shelf.copyOf(task.id)).toEqual({ ...task, key: taskKey(JOB, task.id) });
    expect(shelf.takeFirst()).toEqual({ ...task, key: taskKey(JOB, task.id) });
    expect([shelf.size, [...shelf.moulds]]).toEqual([0, []]);
  });

  it.each<[string, Partial<Task>]>([
    ['runs', { state: 'running', phase: 'running' }],
    ['is with a node', { phase: 'assigned' }],
    ['was changed', { version: 2 }],
    ['manages its job', { isJobManager: true }],
    ['takes a whole node', { runExclusive: true }],
    ['depends on others', { dependsOn: { taskIds: ['b'] } }],
    ['needs several nodes', { instances: 2 }],
    ['was tried', { lastNode: 'acme/p/n' as NonNullable<Task['lastNode']> }],
    ['was requeued', { execution: { retryCount: 0, requeueCount: 1, lastRequeueTime: 9 } }],
    ['has a past', { previousState: 'running', previousStateTransitionTime: 5 }],
    ['moved later', { stateTransitionTime: 8 }],
  ])('takes no task that %s', (_, more) => {
    const shelf = new Shelf(JOB);
    expect(shelf.put(waiting('a', 3, more))).toBe(false);
    expect([shelf.size, [...shelf.moulds]]).toEqual([0, []]);
  });

  it('takes a task of a new kind only up to a thousand kinds at once', () => {
    const shelf = new Shelf(JOB);
    const put = (at: number) => shelf.put(waiting(`t${at}`, at, { maxWallClockTimeMs: at }));
    for (let at = 0; at < 1_000; at += 1) expect(put(at)).toBe(true);
    expect(put(1_000)).toBe(false);
    expect(shelf.take('t500')?.maxWallClockTimeMs).toBe(500);
    expect(put(1_000)).toBe(true);
  });

  it('holds what was put there and not taken, in order of the numbers, whatever is done', () => {
    const id = fc.integer({ min: 0, max: 30 });
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), id, sequence: fc.nat(1_000) }),
      fc.record({ do: fc.constant('take' as const), id }),
      fc.record({
        do: fc.constantFrom('takeFirst' as const, 'setFirstAside' as const, 'reorder' as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const shelf = new Shelf(JOB);
        /** By id: its number, and whether it has a turn. */
        const model = new Map<string, { sequence: number; aside: boolean }>();
        const first = () =>
          [...model]
            .filter(([, { aside }]) => !aside)
            .sort(([, a], [, b]) => a.sequence - b.sequence)[0];
        for (const one of steps) {
          if (one.do === 'put') {
            // Numbers are never given twice in a job.
            if ([...model.values()].some(({ sequence }) => sequence === one.sequence)) continue;
            const isNew = !model.has(`t${one.id}`);
            expect(shelf.put(waiting(`t${one.id}`, one.sequence))).toBe(isNew);
            if (isNew) model.set(`t${one.id}`, { sequence: one.sequence, aside: false });
          } else if (one.do === 'take') {
            expect(shelf.take(`T${one.id}`)?.sequence).toBe(model.get(`t${one.id}`)?.sequence);
            model.delete(`t${one.id}`);
          } else if (one.do === 'takeFirst') {
            const name = first()?.[0];
            expect(shelf.takeFirst()?.id).toBe(name);
            if (name !== undefined) model.delete(name);
          } else if (one.do === 'setFirstAside') {
            shelf.setFirstAside();
            const top = first()?.[1];
            if (top !== undefined) top.aside = true;
          } else {
            shelf.reorder();
            for (const entry of model.values()) entry.aside = false;
          }
          expect(shelf.first()?.sequence).toBe(first()?.[1].sequence);
          expect([...shelf].map((entry) => entry.id).sort()).toEqual([...model.keys()].sort());
          const turns = [...model.values()].filter(({ aside }) => !aside);
          expect(shelf.waiting).toBe(turns.length);
          expect(shelf.countBefore(500, 1_000)).toBe(
            turns.filter(({ sequence }) => sequence < 500).length,
          );
          expect([...shelf.moulds].reduce((sum, { count }) => sum + count, 0)).toBe(model.size);
        }
      }),
    );
  });
});
