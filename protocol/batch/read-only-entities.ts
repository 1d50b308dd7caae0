/** Entities that nobody adds: what nodes, files and counts are told as. */
import * as z from 'zod';
import {
  AutoScaleRun,
  JobStatistics,
  PoolStatistics,
  TaskExecutionInformation,
  count,
  history,
  int64,
  optional,
  retries,
  run,
  text,
  time,
  url,
} from './entity-parts.js';
import { PoolAdd } from './pool.js';

const place = {
  affinityId: text,
  nodeUrl: url,
  poolId: text,
  nodeId: text,
  taskRootDirectory: text,
  taskRootDirectoryUrl: url,
};

const RUN_STATE = { state: z.enum(['running', 'completed']) };
const StartTaskInformation = optional({ ...RUN_STATE, ...run, ...retries });
const JobTaskInformation = optional({
  ...RUN_STATE,
  ...run,
  ...retries,
  taskRootDirectory: text,
  taskRootDirectoryUrl: url,
});
const TASK_STATES = ['active', 'preparing', 'running', 'completed'] as const;

const address = { publicIPAddress: text, publicFQDN: text };
const ports = { frontendPort: count, backendPort: count };
const ImageReference = optional({
  publisher: text,
  offer: text,
  sku: text,
  version: text,
  exactVersion: text,
  virtualMachineImageId: text,
});

const ComputeNode = optional({
  id: text,
  url,
  state: z.enum([
    'idle',
    'rebooting',
    'reimaging',
    'running',
    'unusable',
    'creating',
    'starting',
    'waitingforstarttask',
    'starttaskfailed',
    'unknown',
    'leavingpool',
    'offline',
    'preempted',
  ]),
  schedulingState: z.enum(['enabled', 'disabled']),
  stateTransitionTime: time,
  lastBootTime: time,
  allocationTime: time,
  ipAddress: text,
  affinityId: text,
  vmSize: text,
  totalTasksRun: count,
  runningTasksCount: count,
  runningTaskSlotsCount: count,
  totalTasksSucceeded: count,
  recentTasks: z.array(
    optional({
      taskUrl: url,
      jobId: text,
      taskId: text,
      subtaskId: z.int32(),
      taskState: z.enum(TASK_STATES),
      executionInfo: TaskExecutionInformation,
    }),
  ),
  startTask: PoolAdd.in.shape.startTask,
  startTaskInfo: StartTaskInformation,
  certificateReferences: PoolAdd.in.shape.certificateReferences,
  errors: z.array(z.looseObject({ code: text, message: text })),
  isDedicated: z.boolean(),
  endpointConfiguration: optional({
    inboundEndpoints: z.array(
      optional({ name: text, protocol: z.enum(['tcp', 'udp']), ...address, ...ports }),
    ),
  }),
  nodeAgentInfo: optional({ version: text, lastUpdateTime: time, remarks: z.array(text) }),
  virtualMachineInfo: optional({ imageReference: ImageReference }),
  poolVersion: count,
  pendingChanges: z.array(text),
  hypervisor: text,
});

const SubtaskInformation = optional({
  id: z.int32(),
  nodeInfo: optional(place),
  ...run,
  ...history(['preparing', 'running', 'completed']),
});

const JobPreparationAndReleaseTaskExecutionInformation = optional({
  poolId: text,
  nodeId: text,
  nodeUrl: url,
  jobPreparationTaskExecutionInfo: JobTaskInformation,
  jobReleaseTaskExecutionInfo: JobTaskInformation,
});

const NodeFile = z.object({
  name: text,
  url,
  isDirectory: z.boolean(),
  /** Of files alone. */
  properties: z
    .object({ lastModified: time, contentLength: int64, contentType: text, fileMode: text })
    .optional(),
});

const ImageInformation = z.object({
  nodeAgentSKUId: text,
  imageReference: ImageReference,
  osType: z.enum(['linux', 'windows']),
  capabilities: z.array(text),
  verificationType: z.enum(['verified', 'unverified']),
});

const NodeCounts = z.object({
  creating: count,
  idle: count,
  offline: count,
  preempted: count,
  rebooting: count,
  reimaging: count,
  running: count,
  starting: count,
  startTaskFailed: count,
  leavingPool: count,
  unknown: count,
  unusable: count,
  waitingForStartTask: count,
  total: count,
});
const PoolNodeCounts = z.object({ poolId: text, dedicated: NodeCounts, lowPriority: NodeCounts });

const TaskCounts = z.object({
  active: count,
  running: count,
  completed: count,
  succeeded: count,
  failed: count,
});
const TaskCountsResult = z.object({ taskCounts: TaskCounts, taskSlotCounts: TaskCounts });

const PoolUsageMetrics = z.object({
  poolId: text,
  startTime: time,
  endTime: time,
  vmSize: text,
  totalCoreHours: z.number().min(0),
});

const ApplicationSummary = z.object({
  id: text,
  displayName: text.optional(),
  versions: z.array(text),
});

const ComputeNodeGetRemoteLoginSettingsResult = z.object({
  remoteLoginIPAddress: text,
  remoteLoginPort: count,
});

export const READ_ONLY_ENTITIES = {
  ApplicationSummary,
  AutoScaleRun,
  ComputeNode,
  ComputeNodeGetRemoteLoginSettingsResult,
  ImageInformation,
  JobPreparationAndReleaseTaskExecutionInformation,
  JobStatistics,
  NodeFile,
  PoolNodeCounts,
  PoolStatistics,
  PoolUsageMetrics,
  SubtaskInformation,
  TaskCountsResult,
};
