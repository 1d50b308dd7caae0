/**
 * Entities as answers hold them: what their add takes, and what the service adds. The properties that
 * `$select` knows and the schemas of the OpenAPI document come from here. Answers are not checked against
 * these when they are sent; a test compares them.
 */
import * as z from 'zod';
import { CertificateAdd } from './certificate.js';
import {
  AutoScaleRun,
  JobStatistics,
  PoolStatistics,
  TaskExecutionInformation,
  count,
  error,
  failure,
  history,
  identity,
  optional,
  text,
  time,
  transitions,
  url,
  usage,
} from './entity-parts.js';
import { JobAdd } from './job.js';
import { JobScheduleAdd } from './job-schedule.js';
import { PoolAdd } from './pool.js';
import { READ_ONLY_ENTITIES } from './read-only-entities.js';
import { TaskAdd } from './task.js';

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
export const ENTITIES = {
  CloudPool,
  CloudJob,
  CloudJobSchedule,
  CloudTask,
  Certificate,
  ...READ_ONLY_ENTITIES,
};
type EntityName = keyof typeof ENTITIES;

/** What `$select` may name. */
export const propertiesOf = (name: EntityName): readonly string[] =>
  Object.keys(ENTITIES[name].shape);

const BY_RESOURCE: Readonly<Record<string, EntityName>> = {
  Pool: 'CloudPool',
  Job: 'CloudJob',
  JobSchedule: 'CloudJobSchedule',
  Task: 'CloudTask',
  Certificate: 'Certificate',
  ComputeNode: 'ComputeNode',
  Application: 'ApplicationSummary',
};

/** Operations whose answer their name doesn't tell. */
const BY_OPERATION: Readonly<Record<string, EntityName>> = {
  Account_ListSupportedImages: 'ImageInformation',
  Account_ListPoolNodeCounts: 'PoolNodeCounts',
  Pool_ListUsageMetrics: 'PoolUsageMetrics',
  Pool_GetAllLifetimeStatistics: 'PoolStatistics',
  Pool_EvaluateAutoScale: 'AutoScaleRun',
  Job_ListFromJobSchedule: 'CloudJob',
  Job_GetTaskCounts: 'TaskCountsResult',
  Job_GetAllLifetimeStatistics: 'JobStatistics',
  Job_ListPreparationAndReleaseTaskStatus: 'JobPreparationAndReleaseTaskExecutionInformation',
  Task_ListSubtasks: 'SubtaskInformation',
  ComputeNode_GetRemoteLoginSettings: 'ComputeNodeGetRemoteLoginSettingsResult',
  File_ListFromTask: 'NodeFile',
  File_ListFromComputeNode: 'NodeFile',
};

/** The entity that the answer of an operation is, or that its list holds. */
export function entityOf(operationId: string): EntityName | undefined {
  const [resource = '', name] = operationId.split('_');
  if (name === 'Get' || name === 'List') return BY_RESOURCE[resource];
  return BY_OPERATION[operationId];
}
