import { INFINITE_DURATION } from '../time.js';

/** Documented limits and defaults of the Batch service, one place for all of them. */
export const LIMITS = {
  idLength: 64,
  displayNameLength: 1024,
  /** Body of any request (Task_AddCollection documents 1 MB: RequestBodyTooLarge above it). */
  requestBodyBytes: 1024 * 1024,
  /** Nesting of a body; the deepest documented one (an auto pool in a job schedule) has 12. */
  requestBodyDepth: 32,
  tasksPerCollection: 100,
  nodesPerRemove: 100,
  pageSize: 1000,
  /** Runs of start tasks have no retention time of their own: as tasks by default, from when another follows. */
  startTaskRunsKeptMs: 7 * 86_400_000,
  nodeCountsPageSize: 10,
  commandLineLength: 32_768,
  environmentSettings: 1000,
  environmentValueLength: 32_768,
  resourceFiles: 1000,
  metadataItems: 100,
  metadataLength: 4096,
  urlLength: 4096,
  pathLength: 1024,
  applicationPackagesPerPool: 10,
  applicationsPerAccount: 20,
  packagesPerApplication: 40,
  mountsPerPool: 10,
  taskSlotsPerNode: 256,
  targetNodes: 100_000,
  /** Nodes of a pool with enableInterNodeCommunication. */
  communicatingNodes: 100,
  autoScaleFormulaLength: 8192,
  autoScaleStatements: 100,
  /** Ours: nesting of an expression, elements of a vector, and work of one evaluation. */
  autoScaleDepth: 100,
  autoScaleVectorLength: 16_384,
  autoScaleSteps: 250_000,
  autoPoolIdPrefixLength: 20,
  userAccountNameLength: 20,
  userAccounts: 100,
  inboundNatPools: 5,
  networkSecurityGroupRules: 25,
  natPoolNameLength: 77,
  dependencyIdsLength: 64_000,
  dependencyRanges: 1000,
  thumbprintLength: 40,
  certificateBytes: 10 * 1024,
  resizeTimeoutMinimumMs: 5 * 60_000,
  /** Documented minimum of the evaluation interval; a controller may allow less, never below the floor. */
  autoScaleIntervalMinimumMs: 5 * 60_000,
  autoScaleIntervalFloorMs: 5_000,
  /** Between two changes by Pool_EnableAutoScale. */
  autoScaleEnablePauseMs: 30_000,
  autoScaleIntervalMaximumMs: 7 * 86_400_000,
  /** Documented minimum of recurrenceInterval and startWindow; a controller may allow less, never below the floor. */
  scheduleMinimumMs: 60_000,
  scheduleFloorMs: 1_000,
  /** Tasks of one factory, parameters of one task, factories of a job that are not unfolded yet. */
  factoryTasks: 1_000_000,
  factoryParameters: 10,
  factoryStep: 1_000_000,
  openFactories: 100,
  cronExpressionLength: 256,
  previewedRuns: 1000,
  jobReleaseMaximumMs: 15 * 60_000,
  priorityMinimum: -1000,
  priorityMaximum: 1000,
} as const;

export const DEFAULTS = {
  resizeTimeout: 'PT15M',
  retentionTime: 'P7D',
  maxWallClockTime: INFINITE_DURATION,
  jobReleaseMaxWallClockTime: 'PT15M',
  autoScaleEvaluationInterval: 'PT15M',
  taskSlotsPerNode: 1,
  priority: 0,
  maxParallelTasks: -1,
} as const;
