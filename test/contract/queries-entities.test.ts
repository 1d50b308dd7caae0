import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeNodeGet } from '../../controller/queries/compute-node/get.js';
import { computeNodeList } from '../../controller/queries/compute-node/list.js';
import { jobGetTaskCounts } from '../../controller/queries/job/get-task-counts.js';
import { jobGet } from '../../controller/queries/job/get.js';
import { jobListFromJobSchedule } from '../../controller/queries/job/list-from-job-schedule.js';
import { jobList } from '../../controller/queries/job/list.js';
import { jobScheduleGet } from '../../controller/queries/job-schedule/get.js';
import { jobScheduleList } from '../../controller/queries/job-schedule/list.js';
import { poolGet } from '../../controller/queries/pool/get.js';
import { poolList } from '../../controller/queries/pool/list.js';
import { taskGet } from '../../controller/queries/task/get.js';
import { taskListSubtasks } from '../../controller/queries/task/list-subtasks.js';
import { taskList } from '../../controller/queries/task/list.js';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { jobKey, jobScheduleKey, nodeKey, poolKey } from '../../protocol/keys.js';
import { tempDirectory } from '../support/temp-dir.js';
import {
  ACCOUNT,
  body,
  emptyBatch,
  IMAGE,
  job,
  jobSchedule,
  node,
  pool,
  task,
  TIME,
} from './store-rows.js';

const folder = tempDirectory('queries');
const BASE = 'http://acme.local:8480';
const ISO = '2026-01-02T03:04:05.678Z';
const LATER = '2026-01-02T03:04:06.678Z';
const SECRET = 'hunter2-hunter2';
const zero = { active: 0, running: 0, completed: 0, succeeded: 0, failed: 0 };

let store: SqliteStore;
const context = () => ({ reader: store, baseUrl: BASE });
const acme = { account: ACCOUNT };

const big = pool(
  'Pool1',
  {
    allocationState: 'resizing',
    resizeErrors: [{ code: 'ResizeStopped', message: 'stopped', values: [] }],
  },
  {
    startTask: {
      commandLine: '/bin/true',
      environmentSettings: [{ name: 'password', value: 'v' }],
    },
    userAccounts: [
      { name: 'u', password: SECRET, linuxUserConfiguration: { sshPrivateKey: SECRET } },
    ],
    mountConfiguration: [
      {
        azureBlobFileSystemConfiguration: {
          accountName: 'a',
          containerName: 'c',
          relativeMountPath: 'm',
          accountKey: SECRET,
        },
      },
    ],
    virtualMachineConfiguration: {
      imageReference: IMAGE,
      nodeAgentSKUId: 'batch.node.process',
      containerConfiguration: {
        type: 'dockerCompatible',
        containerRegistries: [{ registryServer: 'r', username: 'u', password: SECRET }],
      },
    },
    certificateReferences: [{ thumbprint: 'ab', thumbprintAlgorithm: 'sha1' }],
  },
);
const made = ['s1:job-1', 's1:job-2', 's1:job-10'].map((id) =>
  job(id, { jobSchedule: jobScheduleKey(ACCOUNT, 's1'), folder: id.replace(':', '/') }),
);
const ran = task('Job1', 'Done', {
  state: 'completed',
  previousState: 'running',
  stateTransitionTime: TIME + 1000,
  previousStateTransitionTime: TIME,
  node: nodeKey(poolKey(ACCOUNT, 'Pool1'), 'Node-A'),
  nodeId: 'Node-A',
  poolId: 'Pool1',
  attempt: 1,
  maxTaskRetryCount: 3,
  maxWallClockTimeMs: 1_800_000,
  execution: {
    startTime: TIME,
    endTime: TIME + 1000,
    exitCode: 3,
    failureInfo: { category: 'usererror', code: 'FailureExitCode', message: 'exit', details: [] },
    result: 'failure',
    retryCount: 0,
    requeueCount: 0,
  },
});
const waiting = task('Job1', 'waiting', {
  retentionTimeMs: 604_800_000,
  execution: { startTime: TIME, retryCount: 1, lastRetryTime: TIME, requeueCount: 0 },
});

beforeAll(async () => {
  store = await SqliteStore.open(folder.path);
  await store.commit({
    ...emptyBatch(),
    upserts: {
      pool: [big, pool('pool0'), pool('pool2', { resizeErrors: big.resizeErrors })],
      node: [
        node('Pool1', 'Node-A', {
          startTaskInfo: { state: 'running', startTime: TIME, retryCount: 0 },
        }),
        node('Pool1', 'node-b', { isDedicated: false, state: 'starttaskfailed' }),
      ],
      job: [job('Job1', { taskCounts: { ...zero, active: 1, completed: 1, failed: 1 } }), ...made],
      jobSchedule: [
        jobSchedule('s1', {
          nextRunTime: TIME,
          recentJob: { key: jobKey(ACCOUNT, 's1:job-10'), id: 's1:job-10' },
        }),
      ],
      task: [ran, waiting],
    },
    taskBodies: [
      { key: ran.key, body: body('Done', { displayName: 'a task', environmentSettings: [] }) },
      {
        key: waiting.key,
        body: body('waiting', {
          containerSettings: {
            imageName: 'i',
            registry: { registryServer: 'r', username: 'u', password: SECRET },
          },
        }),
      },
    ],
  });
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

describe('a pool', () => {
  test('is told with its settings, counts and times, without secrets or nulls', async () => {
    const found = await poolGet(context(), { ...acme, poolId: 'POOL1' });
    expect(found.body).toMatchObject({
      id: 'Pool1',
      url: `${BASE}/pools/Pool1`,
      eTag: found.etag,
      creationTime: ISO,
      state: 'active',
      allocationState: 'resizing',
      vmSize: 'standard_d1_v2',
      resizeTimeout: 'PT15M',
      currentDedicatedNodes: 1,
      currentLowPriorityNodes: 1,
      targetDedicatedNodes: 2,
      enableAutoScale: false,
      startTask: { environmentSettings: [{ name: 'password', value: 'v' }] },
      userAccounts: [{ name: 'u' }],
    });
    expect(found.lastModified).toBe(TIME);
    expect(found.body).not.toHaveProperty('resizeErrors');
    expect(found.body).not.toHaveProperty('previousState');
    expect(JSON.stringify(found.body)).not.toContain(SECRET);
    expect(JSON.stringify(found.body)).not.toContain('null');
  });

  test('shows resize errors once it is steady', async () => {
    const { body: shown } = await poolGet(context(), { ...acme, poolId: 'pool2' });
    expect(shown).toMatchObject({ resizeErrors: big.resizeErrors });
  });

  test('is shown with the selected properties alone; an unknown one is refused', async () => {
    const input = { ...acme, poolId: 'pool0', select: 'id, state' };
    expect((await poolGet(context(), input)).body).toEqual({ id: 'pool0', state: 'active' });
    for (const select of ['id,colour', 'ID', 'id,', 'startTask/commandLine'])
      await expect(poolGet(context(), { ...input, select })).rejects.toMatchObject({
        code: 'InvalidQueryParameterValue',
      });
  });

  test('that is missing, also as the parent of nodes, is PoolNotFound', async () => {
    const input = { ...acme, poolId: 'nope' };
    await expect(poolGet(context(), input)).rejects.toMatchObject({ code: 'PoolNotFound' });
    await expect(computeNodeList(context(), input)).rejects.toMatchObject({ code: 'PoolNotFound' });
    const other = { ...input, poolId: 'pool1', nodeId: 'nope' };
    await expect(computeNodeGet(context(), other)).rejects.toMatchObject({ code: 'NodeNotFound' });
  });
});

describe('a list', () => {
  test('goes on where its page ended, whatever was added or deleted meanwhile', async () => {
    const input = { ...acme, maxresults: 1, select: 'id' };
    const first = await poolList(context(), input);
    expect(first.value).toEqual([{ id: 'pool0' }]);
    const gone = pool('pool0');
    await store.commit({
      ...emptyBatch(),
      deletes: { pool: [gone.key] },
      upserts: { pool: [pool('a-new-one')] },
    });
    const second = await poolList(context(), { ...input, skiptoken: first.next ?? '' });
    expect(second.value).toEqual([{ id: 'Pool1' }]);
    const third = await poolList(context(), { ...input, skiptoken: second.next ?? '' });
    expect(third.value).toEqual([{ id: 'pool2' }]);
    expect(third).not.toHaveProperty('next');
    await store.commit({
      ...emptyBatch(),
      deletes: { pool: [pool('a-new-one').key] },
      upserts: { pool: [gone] },
    });
  });

  test('refuses a token that is broken or of another list', async () => {
    const { next: other } = await jobList(context(), { ...acme, maxresults: 1 });
    for (const skiptoken of [
      '',
      'x',
      '%',
      Buffer.from('[1,"pools",5]').toString('base64url'),
      other ?? '',
    ])
      await expect(poolList(context(), { ...acme, skiptoken })).rejects.toMatchObject({
        code: 'InvalidQueryParameterValue',
        values: [{ value: '$skiptoken' }, {}, {}],
      });
  });

  test('of jobs and schedules is filtered and sorted by id without case', async () => {
    const ids = async (filter?: string) =>
      (await jobList(context(), { ...acme, select: 'id', ...(filter !== undefined && { filter }) }))
        .value;
    expect(await ids()).toEqual(
      ['Job1', 's1:job-1', 's1:job-10', 's1:job-2'].map((id) => ({ id })),
    );
    expect(await ids("executionInfo/poolId eq 'POOL1' and startswith(id,'JOB')")).toEqual([
      { id: 'Job1' },
    ]);
    const schedules = await jobScheduleList(context(), { ...acme, filter: "state eq 'Active'" });
    expect(schedules.value).toHaveLength(1);
  });
});

test('a node is told with what it has of its pool', async () => {
  const { body: shown } = await computeNodeGet(context(), {
    ...acme,
    poolId: 'pool1',
    nodeId: 'node-a',
  });
  expect(shown).toMatchObject({
    id: 'Node-A',
    url: `${BASE}/pools/Pool1/nodes/Node-A`,
    affinityId: 'TVM:Node-A',
    vmSize: 'standard_d1_v2',
    isDedicated: true,
    startTask: { commandLine: '/bin/true', waitForSuccess: true },
    startTaskInfo: { state: 'running', startTime: ISO, retryCount: 0 },
    certificateReferences: [{ thumbprint: 'ab' }],
    virtualMachineInfo: { imageReference: IMAGE },
  });
  expect(shown).not.toHaveProperty('errors');
  const filter = "startTaskInfo/state eq 'running'";
  const list = await computeNodeList(context(), { ...acme, poolId: 'pool1', filter, select: 'id' });
  expect(list.value).toEqual([{ id: 'Node-A' }]);
});

test('a job is told with its execution information; its counts are those of the row', async () => {
  const { body: shown } = await jobGet(context(), { ...acme, jobId: 'JOB1' });
  expect(shown).toMatchObject({
    id: 'Job1',
    url: `${BASE}/jobs/Job1`,
    priority: 0,
    onAllTasksComplete: 'noaction',
    poolInfo: { poolId: 'Pool1' },
    executionInfo: { startTime: ISO, poolId: 'Pool1' },
  });
  expect(shown).not.toHaveProperty('previousState');
  const counts = await jobGetTaskCounts(context(), { ...acme, jobId: 'job1' });
  expect(counts.body).toEqual({
    taskCounts: { ...zero, active: 1, completed: 1, failed: 1 },
    taskSlotCounts: zero,
  });
});

test('a job schedule is told with its next run and recent job, and lists its jobs page by page', async () => {
  const { body: shown } = await jobScheduleGet(context(), { ...acme, jobScheduleId: 'S1' });
  expect(shown).toMatchObject({
    schedule: { recurrenceInterval: 'PT1H' },
    executionInfo: {
      nextRunTime: ISO,
      recentJob: { id: 's1:job-10', url: `${BASE}/jobs/s1:job-10` },
    },
  });
  const input = { ...acme, jobScheduleId: 's1', maxresults: 2, select: 'id' };
  const first = await jobListFromJobSchedule(context(), input);
  const second = await jobListFromJobSchedule(context(), { ...input, skiptoken: first.next ?? '' });
  expect([...first.value, ...second.value]).toEqual(
    ['s1:job-1', 's1:job-10', 's1:job-2'].map((id) => ({ id })),
  );
  await expect(
    jobListFromJobSchedule(context(), { ...input, jobScheduleId: 'no' }),
  ).rejects.toMatchObject({ code: 'JobScheduleNotFound' });
});

describe('a task', () => {
  test('that ran is told with its node, directories, result and transitions', async () => {
    const found = await taskGet(context(), { ...acme, jobId: 'job1', taskId: 'DONE' });
    expect(found.body).toEqual({
      id: 'Done',
      displayName: 'a task',
      url: `${BASE}/jobs/Job1/tasks/Done`,
      eTag: found.etag,
      lastModified: ISO,
      creationTime: ISO,
      state: 'completed',
      stateTransitionTime: LATER,
      previousState: 'running',
      previousStateTransitionTime: ISO,
      commandLine: '/bin/true',
      environmentSettings: [],
      requiredSlots: 1,
      userIdentity: { autoUser: { scope: 'pool', elevationLevel: 'nonadmin' } },
      constraints: {
        maxWallClockTime: 'PT30M',
        retentionTime: 'P10675199DT2H48M5.4775807S',
        maxTaskRetryCount: 3,
      },
      executionInfo: {
        startTime: ISO,
        endTime: LATER,
        exitCode: 3,
        failureInfo: ran.execution.failureInfo,
        result: 'failure',
        retryCount: 0,
        requeueCount: 0,
      },
      nodeInfo: {
        affinityId: 'TVM:Node-A',
        nodeUrl: `${BASE}/pools/Pool1/nodes/Node-A`,
        poolId: 'Pool1',
        nodeId: 'Node-A',
        taskRootDirectory: 'workitems/Job1/job-1/Done',
        taskRootDirectoryUrl: `${BASE}/pools/Pool1/nodes/Node-A/files/workitems/Job1/job-1/Done`,
      },
    });
  });

  test('that waits has no start, node or previous state, and no registry password', async () => {
    const input = { ...acme, jobId: 'job1', taskId: 'waiting' };
    const { body: shown } = await taskGet(context(), input);
    expect(shown).toMatchObject({
      executionInfo: { retryCount: 1, lastRetryTime: ISO, requeueCount: 0 },
      constraints: { retentionTime: 'P7D' },
      containerSettings: { registry: { registryServer: 'r', username: 'u' } },
    });
    expect(shown).not.toHaveProperty('executionInfo.startTime');
    expect(shown).not.toHaveProperty('nodeInfo');
    expect(shown).not.toHaveProperty('previousState');
    expect(JSON.stringify(shown)).not.toContain(SECRET);
  });

  test('is listed as it is told alone, and found by its results', async () => {
    const list = await taskList(context(), { ...acme, jobId: 'job1' });
    const alone = await taskGet(context(), { ...acme, jobId: 'job1', taskId: 'done' });
    expect(list.value[0]).toEqual(alone.body);
    const filter =
      "(executionInfo/exitCode gt 0 and executionInfo/result eq 'Failure') and executionInfo/endTime ge DateTime'2026-01-02'";
    const found = await taskList(context(), { ...acme, jobId: 'job1', filter, select: 'id' });
    expect(found.value).toEqual([{ id: 'Done' }]);
  });

  test('that is missing is TaskNotFound, in a missing job JobNotFound', async () => {
    const missing = { ...acme, jobId: 'job1', taskId: 'nope' };
    await expect(taskGet(context(), missing)).rejects.toMatchObject({ code: 'TaskNotFound' });
    await expect(taskListSubtasks(context(), missing)).rejects.toMatchObject({
      code: 'TaskNotFound',
    });
    const homeless = { ...acme, jobId: 'nope', taskId: 'done' };
    await expect(taskGet(context(), homeless)).rejects.toMatchObject({ code: 'JobNotFound' });
    await expect(taskList(context(), homeless)).rejects.toMatchObject({ code: 'JobNotFound' });
  });
});
