/**
 * Entities as answers hold them: what their add takes, and what the service adds. The properties that
 * `$select` knows and the schemas of the OpenAPI document come from here. Answers are not checked against
 * these when they are sent; a test compares them.
 */
import { z } from 'zod';
import { CertificateAdd } from './certificate.js';
import { anyCase } from './common.js';
import { JobAdd } from './job.js';
import { JobScheduleAdd } from './job-schedule.js';
import { PoolAdd } from './pool.js';
import { TaskAdd } from './task.js';

const text = z.string();
const url = z.url();
const time = z.iso.datetime();
const duration = z.iso.duration();
const count = z.int32().min(0);
/** 64-bit numbers travel as text. */
const int64 = z.string().regex(/^-?\d+$/);
const optional = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).partial();
const error = optional({
  code: text,
  message: text,
  values: z.array(z.object({ name: text, value: text })),
});

/** What every entity of a list has; all optional, because `$select` may leave any of them out. */
const identity = { url, eTag: text, lastModified: time, creationTime: time };
const transitions = (states: readonly [string, ...string[]]) => ({
  state: z.enum(states),
  stateTransitionTime: time,
});
const history = (states: readonly [string, ...string[]]) => ({
  ...transitions(states),
  previousState: z.enum(states),
  previousStateTransitionTime: time,
});

const failure = optional({
  category: anyCase(['usererror', 'servererror']),
  code: text,
  message: text,
  details: z.array(z.object({ name: text, value: text })),
});
const run = {
  startTime: time,
  endTime: time,
  exitCode: z.int32(),
  containerInfo: optional({ containerId: text, state: text, error: text }),
  failureInfo: failure,
  result: z.enum(['success', 'failure']),
};
const retries = { retryCount: count, lastRetryTime: time };
const TaskExecutionInformation = optional({
  ...run,
  ...retries,
  requeueCount: count,
  lastRequeueTime: time,
});

const usage = {
  url,
  startTime: time,
  lastUpdateTime: time,
  userCPUTime: duration,
  kernelCPUTime: duration,
  wallClockTime: duration,
  waitTime: duration,
};
const JobStatistics = optional({
  ...usage,
  numSucceededTasks: int64,
  numFailedTasks: int64,
  numTaskRetries: int64,
});
const PoolStatistics = optional({
  url,
  startTime: time,
  lastUpdateTime: time,
  usageStats: optional({ startTime: time, lastUpdateTime: time, dedicatedCoreTime: duration }),
});

const AutoScaleRun = optional({ timestamp: time, results: text, error });

const CloudPool = optional({
  ...PoolAdd.in.shape,
  ...identity,
  ...transitions(['active', 'deleting']),
  allocationState: z.enum(['steady', 'resizing', 'stopping']),
  allocationStateTransitionTime: time,
  resizeErrors: z.array(error),
  currentDedicatedNodes: count,
  currentLowPriorityNodes: count,
  autoScaleRun: AutoScaleRun,
  // Without passwords and keys.
  userAccounts: z.array(z.looseObject({ name: text })),
  mountConfiguration: z.array(z.looseObject({})),
  identity: z.looseObject({}),
  imageUpgrade: z.looseObject({}),
  currentNodeCommunicationMode: z.enum(['classic', 'simplified']),
  stats: PoolStatistics,
});

const JOB_STATES = [
  'active',
  'disabling',
  'disabled',
  'enabling',
  'terminating',
  'completed',
  'deleting',
] as const;

const CloudJob = optional({
  ...JobAdd.shape,
  ...identity,
  ...history(JOB_STATES),
  executionInfo: optional({
    startTime: time,
    endTime: time,
    poolId: text,
    schedulingError: failure,
    terminateReason: text,
  }),
  stats: JobStatistics,
});

const CloudJobSchedule = optional({
  ...JobScheduleAdd.shape,
  ...identity,
  ...history(['active', 'completed', 'disabled', 'terminating', 'deleting']),
  executionInfo: optional({
    nextRunTime: time,
    recentJob: optional({ id: text, url }),
    endTime: time,
  }),
  stats: JobStatistics,
});

const CloudTask = optional({
  ...TaskAdd.shape,
  ...identity,
  ...history(['active', 'preparing', 'running', 'completed']),
  executionInfo: TaskExecutionInformation,
  nodeInfo: optional({
    affinityId: text,
    nodeUrl: url,
    poolId: text,
    nodeId: text,
    taskRootDirectory: text,
    taskRootDirectoryUrl: url,
  }),
  stats: optional(usage),
});

const {
  data: _data,
  password: _password,
  certificateFormat: _format,
  ...certificateShape
} = CertificateAdd.shape;
const Certificate = optional({
  ...certificateShape,
  url,
  ...history(['active', 'deleting', 'deletefailed']),
  publicData: text,
  deleteCertificateError: error,
});

/** By the name that the OpenAPI document has for them. */
export const ENTITIES = { CloudPool, CloudJob, CloudJobSchedule, CloudTask, Certificate };
type EntityName = keyof typeof ENTITIES;

/** What `$select` may name. */
export const propertiesOf = (name: EntityName): readonly string[] =>
  Object.keys(ENTITIES[name].shape);

/** The entity that the answer of an operation is, or that its list holds. */
export function entityOf(operationId: string): EntityName | undefined {
  if (operationId === 'Job_ListFromJobSchedule') return 'CloudJob';
  const [resource, name] = operationId.split('_');
  if (name !== 'Get' && name !== 'List') return undefined;
  switch (resource) {
    case 'Pool':
      return 'CloudPool';
    case 'Job':
      return 'CloudJob';
    case 'JobSchedule':
      return 'CloudJobSchedule';
    case 'Task':
      return 'CloudTask';
    case 'Certificate':
      return 'Certificate';
    default:
      return undefined;
  }
}
