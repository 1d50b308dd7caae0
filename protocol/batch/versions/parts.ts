import { isJson, objectAt, objectsAt, type Json } from './json.js';

/** Kinds of task-like objects, for what differs between them. */
type TaskKind = 'task' | 'start' | 'manager' | 'preparation' | 'release';

/** The objects of a body whose shape may have changed, wherever they stand in it. */
export interface Parts {
  pools: Json[];
  jobs: Json[];
  tasks: { kind: TaskKind; json: Json }[];
  nodes: Json[];
  /** Execution info of tasks, start, preparation and release tasks, and subtasks, which hold the same properties. */
  runs: Json[];
  certificateReferences: Json[];
}

const KINDS: Record<string, 'pool' | 'job' | 'jobSchedule' | 'task' | 'node'> = {
  Pool: 'pool',
  Job: 'job',
  JobSchedule: 'jobSchedule',
  Task: 'task',
  ComputeNode: 'node',
};
/** Lists of these resources whose items are runs, or hold some. */
const OF_RUNS: Record<string, 'subtask' | 'specialTasks'> = {
  Task_ListSubtasks: 'subtask',
  Job_ListPreparationAndReleaseTaskStatus: 'specialTasks',
};
/** Operations of these resources whose bodies are something else. */
const OTHER = new Set([
  'Job_GetTaskCounts',
  'Job_GetAllLifetimeStatistics',
  'Pool_ListUsageMetrics',
  'Pool_GetAllLifetimeStatistics',
  'Pool_EvaluateAutoScale',
  'ComputeNode_AddUser',
  'ComputeNode_UpdateUser',
  'ComputeNode_UploadBatchServiceLogs',
]);

/** Finds them in the body of a request or answer of this operation. */
export function partsOf(operation: string, body: Json): Parts {
  const parts: Parts = {
    pools: [],
    jobs: [],
    tasks: [],
    nodes: [],
    runs: [],
    certificateReferences: [],
  };
  const kind = OF_RUNS[operation] ?? KINDS[operation.split('_', 1)[0] ?? ''];
  if (kind === undefined || OTHER.has(operation)) return parts;
  const entities = Array.isArray(body.value) ? body.value.filter(isJson) : [body];
  for (const entity of entities) {
    if (kind === 'pool') addPool(parts, entity);
    else if (kind === 'job') addJob(parts, entity);
    else if (kind === 'jobSchedule') addJob(parts, objectAt(entity, 'jobSpecification'));
    else if (kind === 'task') addTask(parts, 'task', entity);
    else if (kind === 'node') addNode(parts, entity);
    else if (kind === 'subtask') parts.runs.push(entity);
    else addSpecialTasks(parts, entity);
  }
  return parts;
}

function addSpecialTasks(parts: Parts, status: Json): void {
  for (const name of ['jobPreparationTaskExecutionInfo', 'jobReleaseTaskExecutionInfo']) {
    const run = objectAt(status, name);
    if (run !== undefined) parts.runs.push(run);
  }
}

function addPool(parts: Parts, pool: Json | undefined): void {
  if (pool === undefined) return;
  parts.pools.push(pool);
  addTask(parts, 'start', objectAt(pool, 'startTask'));
  parts.certificateReferences.push(...objectsAt(pool, 'certificateReferences'));
}

function addJob(parts: Parts, job: Json | undefined): void {
  if (job === undefined) return;
  parts.jobs.push(job);
  addTask(parts, 'manager', objectAt(job, 'jobManagerTask'));
  addTask(parts, 'preparation', objectAt(job, 'jobPreparationTask'));
  addTask(parts, 'release', objectAt(job, 'jobReleaseTask'));
  const auto = objectAt(objectAt(job, 'poolInfo') ?? {}, 'autoPoolSpecification');
  addPool(parts, objectAt(auto ?? {}, 'pool'));
}

function addTask(parts: Parts, kind: TaskKind, json: Json | undefined): void {
  if (json === undefined) return;
  parts.tasks.push({ kind, json });
  const run = objectAt(json, 'executionInfo');
  if (run !== undefined) parts.runs.push(run);
}

function addNode(parts: Parts, node: Json): void {
  parts.nodes.push(node);
  addTask(parts, 'start', objectAt(node, 'startTask'));
  parts.certificateReferences.push(...objectsAt(node, 'certificateReferences'));
  const runs = [
    objectAt(node, 'startTaskInfo'),
    ...objectsAt(node, 'recentTasks').map((recent) => objectAt(recent, 'executionInfo')),
  ];
  for (const run of runs) if (run !== undefined) parts.runs.push(run);
}
