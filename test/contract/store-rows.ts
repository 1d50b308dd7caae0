import type { Account } from '../../controller/core/account/state.js';
import type { ApplicationPackage } from '../../controller/core/application-package/state.js';
import type { Application } from '../../controller/core/application/state.js';
import type { SampleWindow } from '../../controller/core/autoscale/sample-window.js';
import type { Certificate } from '../../controller/core/certificate/state.js';
import type { JobSchedule } from '../../controller/core/job-schedule/state.js';
import type { JobNode } from '../../controller/core/job-node/state.js';
import type { Job } from '../../controller/core/job/state.js';
import type { Pool } from '../../controller/core/pool/state.js';
import type { TaskFactory } from '../../controller/core/task-factory/state.js';
import type { Task } from '../../controller/core/task/state.js';
import type { Batch, Rows, Store, TaskBody } from '../../controller/engine/ports.js';
import { JobAdd } from '../../protocol/batch/job.js';
import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { PoolAdd } from '../../protocol/batch/pool.js';
import { TaskAdd } from '../../protocol/batch/task.js';
import {
  accountKey,
  applicationKey,
  applicationPackageKey,
  certificateKey,
  jobKey,
  jobNodeKey,
  jobScheduleKey,
  sampleWindowKey,
  taskFactoryKey,
  nodeKey,
  poolKey,
  taskKey,
} from '../../protocol/keys.js';

/** Rows as the core would make them, for tests of stores and queries. */
export const ACCOUNT = accountKey('acme');
/** 2026-01-02T03:04:05.678Z */
export const TIME = 1_767_323_045_678;

const zero = { active: 0, running: 0, completed: 0, succeeded: 0, failed: 0 };
const versioned = { creationTime: TIME, lastModified: TIME, version: 1 };

export const emptyBatch = (): Batch => ({
  upserts: {},
  taskBodies: [],
  deletes: {},
  deleteTasksOfJobs: [],
  satisfied: [],
  unsatisfied: [],
});

export const account = (name = 'acme'): Account => ({
  key: accountKey(name),
  name,
  subscriptionId: '00000000-0000-0000-0000-000000000001',
  resourceGroup: 'default',
  location: 'local',
  tags: { team: 'tests' },
  sealedKeys: { primary: 'sealed-1', secondary: 'sealed-2' },
  quotas: { pools: 100 },
  ...versioned,
});

export const application = (id = 'App-1', more: Partial<Application> = {}): Application => ({
  key: applicationKey(ACCOUNT, id),
  account: ACCOUNT,
  id,
  allowUpdates: true,
  ...versioned,
  ...more,
});

export const applicationPackage = (
  id = 'App-1',
  versionName = '1.0',
  more: Partial<ApplicationPackage> = {},
): ApplicationPackage => ({
  key: applicationPackageKey(applicationKey(ACCOUNT, id), versionName),
  account: ACCOUNT,
  application: applicationKey(ACCOUNT, id),
  versionName,
  state: 'active',
  upload: `${id}/${versionName}/1.zip`,
  content: { blob: `${id}/${versionName}/1.zip`, md5: 'md5', bytes: 22 },
  format: 'zip',
  lastActivationTime: TIME,
  ...versioned,
  ...more,
});

export const certificate = (thumbprint = 'AB'.repeat(20)): Certificate => ({
  key: certificateKey(ACCOUNT, 'sha1', thumbprint),
  account: ACCOUNT,
  thumbprint,
  thumbprintAlgorithm: 'sha1',
  format: 'pfx',
  publicData: 'cHVibGlj',
  sealedData: 'sealed-data',
  sealedPassword: 'sealed-password',
  state: 'active',
  stateTransitionTime: TIME,
  creationTime: TIME,
});

export const IMAGE = { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' };

export const pool = (id: string, changes: Partial<Pool> = {}, body: object = {}): Pool => ({
  key: poolKey(ACCOUNT, id),
  account: ACCOUNT,
  id,
  specification: PoolAdd.parse({
    id,
    vmSize: 'STANDARD_D1_V2',
    virtualMachineConfiguration: { imageReference: IMAGE, nodeAgentSKUId: 'batch.node.process' },
    targetDedicatedNodes: 2,
    ...body,
  }),
  state: 'active',
  stateTransitionTime: TIME,
  allocationState: 'steady',
  allocationStateTransitionTime: TIME,
  targetDedicatedNodes: 2,
  targetLowPriorityNodes: 0,
  resize: { startTime: TIME, timeoutMs: 900_000, nodeDeallocationOption: 'requeue' },
  resizeErrors: [],
  nodeProvider: 'process',
  ...versioned,
  ...changes,
});

export const node = (
  poolId: string,
  id: string,
  changes: Partial<Rows['node']['row']> = {},
): Rows['node']['row'] => ({
  key: nodeKey(poolKey(ACCOUNT, poolId), id),
  pool: poolKey(ACCOUNT, poolId),
  account: ACCOUNT,
  id,
  isDedicated: true,
  state: 'idle',
  stateTransitionTime: TIME,
  schedulingState: 'enabled',
  allocationTime: TIME,
  lastBootTime: TIME,
  incarnation: 1,
  lastEventSequence: 0,
  errors: [],
  totalTasksRun: 0,
  totalTasksSucceeded: 0,
  runningTasksCount: 0,
  runningTaskSlotsCount: 0,
  ...changes,
});

export const job = (id: string, changes: Partial<Job> = {}, body: object = {}): Job => ({
  key: jobKey(ACCOUNT, id),
  account: ACCOUNT,
  id,
  specification: JobAdd.parse({ id: id.replace(':', '-'), poolInfo: { poolId: 'Pool1' }, ...body }),
  pool: poolKey(ACCOUNT, 'Pool1'),
  folder: `${id}/job-1`,
  state: 'active',
  stateTransitionTime: TIME,
  startTime: TIME,
  nextTaskSequence: 1,
  taskCounts: { ...zero },
  taskSlotCounts: { ...zero },
  ...versioned,
  ...changes,
});

export const jobSchedule = (
  id: string,
  changes: Partial<JobSchedule> = {},
  schedule: object = { recurrenceInterval: 'PT1H' },
): JobSchedule => ({
  key: jobScheduleKey(ACCOUNT, id),
  account: ACCOUNT,
  id,
  specification: JobScheduleAdd.parse({
    id,
    schedule,
    jobSpecification: { poolInfo: { poolId: 'Pool1' } },
  }),
  state: 'active',
  stateTransitionTime: TIME,
  jobCount: 0,
  ...versioned,
  ...changes,
});

export const task = (jobId: string, id: string, changes: Partial<Task> = {}): Task => ({
  key: taskKey(jobKey(ACCOUNT, jobId), id),
  job: jobKey(ACCOUNT, jobId),
  id,
  sequence: 0,
  isJobManager: false,
  requiredSlots: 1,
  runExclusive: false,
  state: 'active',
  stateTransitionTime: TIME,
  maxTaskRetryCount: 0,
  attempt: 0,
  execution: { retryCount: 0, requeueCount: 0 },
  ...versioned,
  ...changes,
});

export const body = (id: string, more: object = {}): TaskBody =>
  TaskAdd.parse({ id, commandLine: '/bin/true', ...more });

/** What a job's preparation task did on a node. */
export function jobNode(jobId: string, poolId: string, nodeId: string): JobNode {
  const node = nodeKey(poolKey(ACCOUNT, poolId), nodeId);
  return {
    key: jobNodeKey(jobKey(ACCOUNT, jobId), node),
    job: jobKey(ACCOUNT, jobId),
    node,
    nodeId,
    poolId,
    preparation: {
      attempt: 1,
      incarnation: 1,
      begun: true,
      state: 'completed',
      startTime: TIME,
      endTime: TIME + 5,
      exitCode: 0,
      result: 'success',
      retryCount: 0,
    },
  };
}

export const sampleWindow = (poolId: string, window: number): SampleWindow => {
  const owner = poolKey(ACCOUNT, poolId);
  return {
    key: sampleWindowKey(owner, window),
    pool: owner,
    window,
    startedAt: TIME,
    samples: {
      $ActiveTasks: [
        [null, 3],
        [7, 17],
      ],
      $CPUPercent: [[12.5, 20]],
    },
  };
};

export const taskFactory = (jobId: string, id: string): TaskFactory => ({
  key: taskFactoryKey(jobKey(ACCOUNT, jobId), id),
  job: jobKey(ACCOUNT, jobId),
  id,
  fingerprint: '0123456789abcdef',
  count: 1_000_000,
  idPrefix: `${id}-`,
  firstNumber: 0,
  idDigits: 7,
  firstSequence: 1,
  requiredSlots: 1,
  creationTime: TIME,
  plan: {
    source: { kind: 'list', items: ['ü"\\\u0000', ['a', 'b'], { name: 'value' }] },
    template: '{"commandLine":"run {0}"}',
  },
});

/** Everything that a new controller reads. */
export async function loadAll(store: Store) {
  const tasks: Task[] = [];
  for await (const page of store.openTasks()) tasks.push(...page);
  return { ...(await store.load()), tasks };
}
