import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Batch, Store } from '../../controller/engine/ports.js';
import { hypervisorKey, jobKey, taskKey } from '../../protocol/keys.js';
import {
  ACCOUNT,
  account,
  application,
  applicationPackage,
  body,
  certificate,
  emptyBatch,
  loadAll,
  job,
  jobNode,
  jobSchedule,
  sampleWindow,
  taskFactory,
  node,
  pool,
  task,
} from './store-rows.js';

export interface StoreWorld {
  /** The store on what earlier stores of this world committed. */
  open(): Promise<Store>;
  remove(): Promise<void> | void;
}

/** What every Store promises (controller/engine/ports.ts), whatever it is made of. */
export function describeStore(name: string, makeWorld: () => StoreWorld): void {
  describe(`the store ${name}`, () => {
    let world: StoreWorld;
    let store: Store;
    beforeEach(async () => {
      world = makeWorld();
      store = await world.open();
    });
    afterEach(async () => {
      await store.close();
      await world.remove();
    });
    const commit = (changes: Partial<Batch>) => store.commit({ ...emptyBatch(), ...changes });
    const reopen = async () => {
      await store.close();
      store = await world.open();
      return loadAll(store);
    };

    test('starts empty', async () => {
      expect(await loadAll(store)).toEqual({
        accounts: [],
        certificates: [],
        applications: [],
        applicationPackages: [],
        pools: [],
        nodes: [],
        jobs: [],
        jobNodes: [],
        jobSchedules: [],
        taskFactories: [],
        sampleWindows: [],
        images: [],
        hypervisors: [],
        tasks: [],
        dependencies: [],
        satisfied: [],
      });
    });

    test('gives back each kind of row as it was, after it is opened again', async () => {
      const rows = {
        account: [account()],
        certificate: [certificate()],
        application: [application()],
        applicationPackage: [applicationPackage()],
        pool: [pool('Pool1', {}, { metadata: [{ name: 'ü"\\\u0000\u{1F600}', value: '' }] })],
        node: [node('Pool1', 'Node-A'), node('Pool1', 'node-b', { isDedicated: false })],
        job: [job('Job1', { nextTaskSequence: 2 ** 40 })],
        jobNode: [jobNode('Job1', 'Pool1', 'Node-A')],
        jobSchedule: [jobSchedule('Schedule1')],
        taskFactory: [taskFactory('Job1', 'Sweep')],
        sampleWindow: [sampleWindow('Pool1', 2_945_538)],
        hypervisor: [{ key: hypervisorKey('Host-1'), maintenance: true, since: 1 }],
        task: [task('Job1', 'T1', { state: 'running', maxTaskRetryCount: -1 })],
      };
      await commit({ upserts: rows });
      const loaded = await reopen();
      expect(loaded.accounts).toEqual(rows.account);
      expect(loaded.certificates).toEqual(rows.certificate);
      expect(loaded.applications).toEqual(rows.application);
      expect(loaded.applicationPackages).toEqual(rows.applicationPackage);
      expect(loaded.pools).toEqual(rows.pool);
      expect(loaded.nodes).toEqual(expect.arrayContaining(rows.node));
      expect(loaded.nodes).toHaveLength(2);
      expect(loaded.jobs).toEqual(rows.job);
      expect(loaded.jobNodes).toEqual(rows.jobNode);
      expect(loaded.jobSchedules).toEqual(rows.jobSchedule);
      expect(loaded.taskFactories).toEqual(rows.taskFactory);
      expect(loaded.sampleWindows).toEqual(rows.sampleWindow);
      expect(loaded.hypervisors).toEqual(rows.hypervisor);
      expect(loaded.tasks).toEqual(rows.task);
    });

    test('replaces a row of the same key, deletes rows, and forgets a deleted task with its body', async () => {
      await commit({
        upserts: { pool: [pool('p1'), pool('p2')], task: [task('j', 'a'), task('j', 'b')] },
        taskBodies: [
          { key: task('j', 'a').key, body: body('a') },
          { key: task('j', 'b').key, body: body('b') },
        ],
      });
      const changed = pool('p1', { state: 'deleting', version: 2 });
      await commit({
        upserts: { pool: [changed] },
        deletes: { pool: [pool('p2').key], task: [task('j', 'a').key] },
      });
      const loaded = await loadAll(store);
      expect(loaded.pools).toEqual([changed]);
      expect(loaded.tasks).toEqual([task('j', 'b')]);
      const bodies = await store.readTaskBodies([task('j', 'a').key, task('j', 'b').key]);
      expect([...bodies]).toEqual([[task('j', 'b').key, body('b')]]);
    });

    test('a key that one batch deletes and writes ends as written', async () => {
      await commit({
        upserts: { job: [job('j')], task: [task('j', 'old')] },
        satisfied: [{ job: jobKey(ACCOUNT, 'j'), taskId: 'old' }],
      });
      const again = job('j', { creationTime: 5, version: 1 });
      await commit({
        deletes: { job: [job('j').key] },
        deleteTasksOfJobs: [job('j').key],
        upserts: { job: [again], task: [task('j', 'new')] },
      });
      const loaded = await loadAll(store);
      expect(loaded.jobs).toEqual([again]);
      expect(loaded.tasks.map(({ id }) => id)).toEqual(['new']);
      expect(loaded.satisfied).toEqual([]);
    });

    test('loads tasks that are not completed, in order of job and sequence; completed ones stay readable', async () => {
      const done = task('j1', 'done', { sequence: 1, state: 'completed' });
      await commit({
        upserts: {
          task: [
            task('j2', 'a', { sequence: 0 }),
            task('j1', 'c', { sequence: 10 }),
            done,
            task('j1', 'b', { sequence: 9, state: 'preparing' }),
          ],
        },
        taskBodies: [{ key: done.key, body: body('done') }],
      });
      const loaded = await reopen();
      expect(loaded.tasks.map(({ key }) => key)).toEqual(['acme/j1/b', 'acme/j1/c', 'acme/j2/a']);
      const missing = taskKey(jobKey(ACCOUNT, 'j1'), 'missing');
      expect(await store.readTasks([done.key, missing])).toEqual([done]);
      expect((await store.readTaskBodies([done.key, missing])).get(done.key)).toEqual(body('done'));
      expect(await store.readTasks([])).toEqual([]);
    });

    test('loads the dependencies of tasks that are not completed, again after a reactivation', async () => {
      const dependsOn = { taskIds: ['x'], taskIdRanges: [{ start: 1, end: 3 }] };
      const waiting = task('j', 'waiting');
      const free = task('j', 'free');
      await commit({
        upserts: { task: [waiting, free] },
        taskBodies: [
          { key: waiting.key, body: body('waiting', { dependsOn }) },
          { key: free.key, body: body('free') },
        ],
      });
      expect((await loadAll(store)).dependencies).toEqual([{ key: waiting.key, dependsOn }]);
      await commit({ upserts: { task: [{ ...waiting, state: 'completed' }] } });
      expect((await reopen()).dependencies).toEqual([]);
      await commit({ upserts: { task: [waiting] } });
      expect((await reopen()).dependencies).toEqual([{ key: waiting.key, dependsOn }]);
    });

    test('remembers satisfied ids beyond their tasks and takes them back when told', async () => {
      const [j1, j2] = [jobKey(ACCOUNT, 'j1'), jobKey(ACCOUNT, 'j2')];
      const [a, b, c] = [
        { job: j1, taskId: 'a' },
        { job: j1, taskId: 'b' },
        { job: j2, taskId: 'a' },
      ];
      await commit({ upserts: { task: [task('j1', 'a')] }, satisfied: [a, b, c] });
      await commit({ satisfied: [a], deletes: { task: [task('j1', 'a').key] } });
      // Ids are compared without case, here too.
      await commit({ satisfied: [{ job: j1, taskId: 'B' }], unsatisfied: [] });
      await commit({ unsatisfied: [b] });
      const { satisfied } = await reopen();
      expect(satisfied).toHaveLength(2);
      expect(satisfied).toEqual(expect.arrayContaining([a, c]));
    });

    test("deletes a job's tasks, bodies and satisfied ids, and no other job's", async () => {
      const keep = ['jo', 'job2', 'job-1', 'job:job-1'];
      await commit({
        upserts: { task: ['job', ...keep].map((id) => task(id, 't')) },
        taskBodies: ['job', ...keep].map((id) => ({ key: task(id, 't').key, body: body('t') })),
        satisfied: ['job', ...keep].map((id) => ({ job: jobKey(ACCOUNT, id), taskId: 't' })),
      });
      await commit({ deleteTasksOfJobs: [jobKey(ACCOUNT, 'job')] });
      const { tasks, satisfied } = await reopen();
      const kept = keep.map((id) => jobKey(ACCOUNT, id)).sort();
      expect(tasks.map((one) => one.job).sort()).toEqual(kept);
      expect(satisfied.map((one) => one.job).sort()).toEqual(kept);
      const bodies = await store.readTaskBodies(['job', ...keep].map((id) => task(id, 't').key));
      expect([...bodies.keys()].sort()).toEqual(kept.map((key) => `${key}/t`));
    });

    test('commits given at once are applied in their order', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, version) =>
          commit({ upserts: { pool: [pool('p', { version })] } }),
        ),
      );
      expect((await loadAll(store)).pools[0]?.version).toBe(19);
    });
  });
}
