/** Parameters of the query beside `api-version` and `timeout`, which every operation takes. */
export type QueryParameter =
  | '$filter'
  | '$select'
  | '$expand'
  | 'maxresults'
  | '$skiptoken'
  | 'recursive'
  | 'starttime'
  | 'endtime'
  /** Extension: what is kept of an output answers where its node can't. */
  | 'kept';

const PAGE = ['maxresults', '$skiptoken'] as const;
const SELECT_EXPAND = ['$select', '$expand'] as const;
const FILES = ['$filter', 'recursive', ...PAGE] as const;

/** The contract's section 3; an operation that isn't here takes none. */
const byOperation: Readonly<Record<string, readonly QueryParameter[]>> = {
  Pool_List: ['$filter', ...SELECT_EXPAND, ...PAGE],
  Pool_Get: SELECT_EXPAND,
  Pool_ListUsageMetrics: ['starttime', 'endtime', '$filter', ...PAGE],
  Account_ListSupportedImages: ['$filter', ...PAGE],
  Account_ListPoolNodeCounts: ['$filter', ...PAGE],
  Account_ListNodeAgentSkus: ['$filter', ...PAGE],
  Application_List: PAGE,
  Job_List: ['$filter', ...SELECT_EXPAND, ...PAGE],
  Job_ListFromJobSchedule: ['$filter', ...SELECT_EXPAND, ...PAGE],
  Job_Get: SELECT_EXPAND,
  Job_ListPreparationAndReleaseTaskStatus: ['$filter', '$select', ...PAGE],
  JobSchedule_List: ['$filter', ...SELECT_EXPAND, ...PAGE],
  JobSchedule_Get: SELECT_EXPAND,
  JobSchedule_PreviewRuns: ['maxresults'],
  Task_List: ['$filter', ...SELECT_EXPAND, ...PAGE],
  Task_Get: SELECT_EXPAND,
  Task_ListSubtasks: ['$select'],
  Task_ListAttempts: PAGE,
  Job_ListSpecialTaskAttempts: PAGE,
  ComputeNode_ListStartTaskAttempts: PAGE,
  ComputeNode_List: ['$filter', '$select', ...PAGE],
  ComputeNode_Get: ['$select'],
  ComputeNodeExtension_List: ['$select', ...PAGE],
  ComputeNodeExtension_Get: ['$select'],
  Certificate_List: ['$filter', '$select', ...PAGE],
  Certificate_Get: ['$select'],
  File_ListFromTask: FILES,
  File_ListFromComputeNode: FILES,
  File_GetFromTask: ['kept'],
  File_GetPropertiesFromTask: ['kept'],
  File_GetFromComputeNode: ['kept'],
  File_GetPropertiesFromComputeNode: ['kept'],
  File_DeleteFromTask: ['recursive'],
  File_DeleteFromComputeNode: ['recursive'],
};

/** Parameters of the query that the operation of this id takes. */
export const queryParametersOf = (operationId: string): readonly QueryParameter[] =>
  byOperation[operationId] ?? [];
