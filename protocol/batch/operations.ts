import type * as z from 'zod';
import { CertificateAdd } from './certificate.js';
import { JobAdd, JobDisable, JobPatch, JobTerminate, JobUpdate } from './job.js';
import {
  JobScheduleAdd,
  JobSchedulePatch,
  JobSchedulePreview,
  JobScheduleUpdate,
} from './job-schedule.js';
import {
  NodeDisableScheduling,
  NodeReboot,
  NodeReimage,
  NodeRemove,
  NodeUploadLogs,
  NodeUserAdd,
  NodeUserUpdate,
} from './node.js';
import {
  PoolAdd,
  PoolEnableAutoScale,
  PoolEvaluateAutoScale,
  PoolPatch,
  PoolResize,
  PoolUpdateProperties,
  PoolUpgradeImage,
  PoolUpgradeOS,
} from './pool.js';
import { TaskFactoryAdd } from './task-factory.js';
import { TaskAdd, TaskAddCollectionEnvelope, TaskUpdate } from './task.js';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of the data plane, as data: routes, checks of bodies and the list of what is served come from it. */
export interface Operation {
  readonly id: string;
  readonly method: Method;
  /** `{name}` is one path segment, `{filePath}` the rest of the path. */
  readonly path: string;
  /** Exactly this status: clients refuse every other one. */
  readonly success: number;
  /** Takes the four conditional headers. */
  readonly conditions?: true;
  readonly request?: z.ZodType;
  /** A missing body means the empty object. */
  readonly bodyOptional?: true;
  /** Month of the last api-version that has it (`2018-12`); later ones know no such path. */
  readonly until?: string;
  /** Ours, beyond Azure's: docs/extensions.md. */
  readonly extension?: true;
}

const POOL = '/pools/{poolId}';
const NODE = `${POOL}/nodes/{nodeId}`;
const JOB = '/jobs/{jobId}';
const TASK = `${JOB}/tasks/{taskId}`;
const SPECIAL_ATTEMPTS = `${JOB}/jobpreparationandreleasetaskattempts`;
const SPECIAL_ATTEMPT_FILE = `${SPECIAL_ATTEMPTS}/{poolId}/{nodeId}/{kind}/{attempt}/files/{filePath}`;
const SCHEDULE = '/jobschedules/{jobScheduleId}';
const CERTIFICATE =
  '/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})';
const C = { conditions: true } as const;
const extension = { extension: true } as const;

type Details = Pick<Operation, 'conditions' | 'request' | 'bodyOptional' | 'until' | 'extension'>;
const operation = <const Id extends string, const More extends Details>(
  id: Id,
  method: Method,
  path: string,
  success: number,
  more: More,
) => ({ id, method, path, success, ...more });

const pool = [
  operation('Pool_Add', 'POST', '/pools', 201, { request: PoolAdd }),
  operation('Pool_List', 'GET', '/pools', 200, {}),
  operation('Pool_Get', 'GET', POOL, 200, { ...C }),
  operation('Pool_Exists', 'HEAD', POOL, 200, { ...C }),
  operation('Pool_Patch', 'PATCH', POOL, 200, { ...C, request: PoolPatch }),
  operation('Pool_UpdateProperties', 'POST', `${POOL}/updateproperties`, 204, {
    request: PoolUpdateProperties,
  }),
  operation('Pool_Delete', 'DELETE', POOL, 202, { ...C }),
  operation('Pool_Resize', 'POST', `${POOL}/resize`, 202, { ...C, request: PoolResize }),
  operation('Pool_StopResize', 'POST', `${POOL}/stopresize`, 202, { ...C }),
  operation('Pool_RemoveNodes', 'POST', `${POOL}/removenodes`, 202, {
    ...C,
    request: NodeRemove,
  }),
  operation('Pool_EnableAutoScale', 'POST', `${POOL}/enableautoscale`, 200, {
    ...C,
    request: PoolEnableAutoScale,
  }),
  operation('Pool_DisableAutoScale', 'POST', `${POOL}/disableautoscale`, 200, {}),
  operation('Pool_EvaluateAutoScale', 'POST', `${POOL}/evaluateautoscale`, 200, {
    request: PoolEvaluateAutoScale,
  }),
  operation('Pool_ListUsageMetrics', 'GET', '/poolusagemetrics', 200, {}),
  operation('Pool_GetAllLifetimeStatistics', 'GET', '/lifetimepoolstats', 200, {
    until: '2022-10',
  }),
  operation('Pool_UpgradeImage', 'POST', `${POOL}/upgradeimage`, 202, {
    ...C,
    request: PoolUpgradeImage,
    ...extension,
  }),
  operation('Pool_Explain', 'GET', `${POOL}/explain`, 200, extension),
  operation('Pool_UpgradeOS', 'POST', `${POOL}/upgradeos`, 202, {
    ...C,
    request: PoolUpgradeOS,
    until: '2018-08',
  }),
] as const;

const account = [
  operation('Account_ListSupportedImages', 'GET', '/supportedimages', 200, {}),
  operation('Account_ListPoolNodeCounts', 'GET', '/nodecounts', 200, {}),
  operation('Account_ListNodeAgentSkus', 'GET', '/nodeagentskus', 200, {
    until: '2018-12',
  }),
  operation('Application_List', 'GET', '/applications', 200, {}),
  operation('Application_Get', 'GET', '/applications/{applicationId}', 200, {}),
] as const;

const job = [
  operation('Job_Add', 'POST', '/jobs', 201, { request: JobAdd }),
  operation('Job_List', 'GET', '/jobs', 200, {}),
  operation('Job_ListFromJobSchedule', 'GET', `${SCHEDULE}/jobs`, 200, {}),
  operation('Job_Get', 'GET', JOB, 200, { ...C }),
  operation('Job_Patch', 'PATCH', JOB, 200, { ...C, request: JobPatch }),
  operation('Job_Update', 'PUT', JOB, 200, { ...C, request: JobUpdate }),
  operation('Job_Delete', 'DELETE', JOB, 202, { ...C }),
  operation('Job_Disable', 'POST', `${JOB}/disable`, 202, { ...C, request: JobDisable }),
  operation('Job_Enable', 'POST', `${JOB}/enable`, 202, { ...C }),
  operation('Job_Terminate', 'POST', `${JOB}/terminate`, 202, {
    ...C,
    request: JobTerminate,
    bodyOptional: true,
  }),
  operation(
    'Job_ListPreparationAndReleaseTaskStatus',
    'GET',
    `${JOB}/jobpreparationandreleasetaskstatus`,
    200,
    {},
  ),
  operation('Job_ListSpecialTaskAttempts', 'GET', SPECIAL_ATTEMPTS, 200, extension),
  operation('Job_GetSpecialTaskAttemptLog', 'GET', SPECIAL_ATTEMPT_FILE, 200, extension),
  operation('Job_GetTaskCounts', 'GET', `${JOB}/taskcounts`, 200, {}),
  operation('Job_GetAllLifetimeStatistics', 'GET', '/lifetimejobstats', 200, {
    until: '2022-10',
  }),
] as const;

const jobSchedule = [
  operation('JobSchedule_Add', 'POST', '/jobschedules', 201, {
    request: JobScheduleAdd,
  }),
  operation('JobSchedule_List', 'GET', '/jobschedules', 200, {}),
  operation('JobSchedule_Get', 'GET', SCHEDULE, 200, { ...C }),
  operation('JobSchedule_Exists', 'HEAD', SCHEDULE, 200, { ...C }),
  operation('JobSchedule_Patch', 'PATCH', SCHEDULE, 200, {
    ...C,
    request: JobSchedulePatch,
  }),
  operation('JobSchedule_Update', 'PUT', SCHEDULE, 200, {
    ...C,
    request: JobScheduleUpdate,
  }),
  operation('JobSchedule_Delete', 'DELETE', SCHEDULE, 202, { ...C }),
  operation('JobSchedule_Disable', 'POST', `${SCHEDULE}/disable`, 204, { ...C }),
  operation('JobSchedule_Enable', 'POST', `${SCHEDULE}/enable`, 204, { ...C }),
  operation('JobSchedule_Terminate', 'POST', `${SCHEDULE}/terminate`, 202, { ...C }),
  operation('JobSchedule_PreviewRuns', 'GET', `${SCHEDULE}/previewruns`, 200, extension),
  operation('JobSchedule_PreviewUnsavedRuns', 'POST', '/jobschedules/previewruns', 200, {
    request: JobSchedulePreview,
    ...extension,
  }),
] as const;

const ATTEMPT_FILE = `${TASK}/attempts/{attempt}/files/{filePath}`;
const SUBTASK_FILE = `${TASK}/attempts/{attempt}/subtasks/{subtaskId}/files/{filePath}`;

const task = [
  operation('Task_Add', 'POST', `${JOB}/tasks`, 201, { request: TaskAdd }),
  operation('Task_AddCollection', 'POST', `${JOB}/addtaskcollection`, 200, {
    request: TaskAddCollectionEnvelope,
  }),
  operation('Task_AddFactory', 'POST', `${JOB}/addtaskfactory`, 201, {
    request: TaskFactoryAdd,
    ...extension,
  }),
  operation('Task_List', 'GET', `${JOB}/tasks`, 200, {}),
  operation('Task_Get', 'GET', TASK, 200, { ...C }),
  operation('Task_Update', 'PUT', TASK, 200, {
    ...C,
    request: TaskUpdate,
    bodyOptional: true,
  }),
  operation('Task_Delete', 'DELETE', TASK, 200, { ...C }),
  operation('Task_Terminate', 'POST', `${TASK}/terminate`, 204, { ...C }),
  operation('Task_Reactivate', 'POST', `${TASK}/reactivate`, 204, { ...C }),
  operation('Task_ListSubtasks', 'GET', `${TASK}/subtasksinfo`, 200, {}),
  operation('Task_Explain', 'GET', `${TASK}/explain`, 200, extension),
  operation('Task_ListAttempts', 'GET', `${TASK}/attempts`, 200, extension),
  operation('Task_Follow', 'GET', `${TASK}/follow/{filePath}`, 200, extension),
  operation('Task_GetAttemptLog', 'GET', ATTEMPT_FILE, 200, extension),
  operation('Task_GetSubtaskAttemptLog', 'GET', SUBTASK_FILE, 200, extension),
] as const;

const START_TASK_ATTEMPTS = `${NODE}/starttaskattempts`;
const START_TASK_FILE = `${START_TASK_ATTEMPTS}/{attempt}/files/{filePath}`;

const node = [
  operation('ComputeNode_List', 'GET', `${POOL}/nodes`, 200, {}),
  operation('ComputeNode_Get', 'GET', NODE, 200, {}),
  operation('ComputeNode_Explain', 'GET', `${NODE}/explain`, 200, extension),
  operation('ComputeNode_GetConsoleLog', 'GET', `${NODE}/consolelog`, 200, extension),
  operation('ComputeNode_ListStartTaskAttempts', 'GET', START_TASK_ATTEMPTS, 200, extension),
  operation('ComputeNode_GetStartTaskAttemptLog', 'GET', START_TASK_FILE, 200, extension),
  operation('ComputeNode_Reboot', 'POST', `${NODE}/reboot`, 202, {
    request: NodeReboot,
    bodyOptional: true,
  }),
  operation('ComputeNode_Reimage', 'POST', `${NODE}/reimage`, 202, {
    request: NodeReimage,
    bodyOptional: true,
  }),
  operation('ComputeNode_DisableScheduling', 'POST', `${NODE}/disablescheduling`, 200, {
    request: NodeDisableScheduling,
    bodyOptional: true,
  }),
  operation('ComputeNode_EnableScheduling', 'POST', `${NODE}/enablescheduling`, 200, {}),
  operation('ComputeNode_AddUser', 'POST', `${NODE}/users`, 201, {
    request: NodeUserAdd,
  }),
  operation('ComputeNode_UpdateUser', 'PUT', `${NODE}/users/{userName}`, 200, {
    request: NodeUserUpdate,
  }),
  operation('ComputeNode_DeleteUser', 'DELETE', `${NODE}/users/{userName}`, 200, {}),
  operation('ComputeNode_GetRemoteLoginSettings', 'GET', `${NODE}/remoteloginsettings`, 200, {}),
  operation('ComputeNode_GetRemoteDesktop', 'GET', `${NODE}/rdp`, 200, {}),
  operation('ComputeNode_UploadBatchServiceLogs', 'POST', `${NODE}/uploadbatchservicelogs`, 200, {
    request: NodeUploadLogs,
  }),
  operation('ComputeNodeExtension_List', 'GET', `${NODE}/extensions`, 200, {}),
  operation('ComputeNodeExtension_Get', 'GET', `${NODE}/extensions/{extensionName}`, 200, {}),
] as const;

const certificate = [
  operation('Certificate_Add', 'POST', '/certificates', 201, {
    request: CertificateAdd,
  }),
  operation('Certificate_List', 'GET', '/certificates', 200, {}),
  operation('Certificate_Get', 'GET', CERTIFICATE, 200, {}),
  operation('Certificate_Delete', 'DELETE', CERTIFICATE, 202, {}),
  operation('Certificate_CancelDeletion', 'POST', `${CERTIFICATE}/canceldelete`, 204, {}),
] as const;

const TASK_FILE = `${TASK}/files/{filePath}`;
const NODE_FILE = `${NODE}/files/{filePath}`;

/** File reads take the two date conditions only; they are checked with the file's own time. */
const file = [
  operation('File_ListFromTask', 'GET', `${TASK}/files`, 200, {}),
  operation('File_GetFromTask', 'GET', TASK_FILE, 200, { ...C }),
  operation('File_GetPropertiesFromTask', 'HEAD', TASK_FILE, 200, { ...C }),
  operation('File_DeleteFromTask', 'DELETE', TASK_FILE, 200, {}),
  operation('File_ListFromComputeNode', 'GET', `${NODE}/files`, 200, {}),
  operation('File_GetFromComputeNode', 'GET', NODE_FILE, 200, { ...C }),
  operation('File_GetPropertiesFromComputeNode', 'HEAD', NODE_FILE, 200, { ...C }),
  operation('File_DeleteFromComputeNode', 'DELETE', NODE_FILE, 200, {}),
] as const;

/** Every operation of the data plane, the retired ones of old api-versions included. */
export const operations = [
  ...pool,
  ...account,
  ...job,
  ...jobSchedule,
  ...task,
  ...node,
  ...certificate,
  ...file,
] as const;

type Row = (typeof operations)[number];
export type OperationId = Row['id'];
