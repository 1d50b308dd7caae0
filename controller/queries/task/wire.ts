import { propertiesOf } from '../../../protocol/batch/entities.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { formatDuration, formatTime } from '../../../protocol/time.js';
import type { Job } from '../../core/job/state.js';
import type { Task } from '../../core/task/state.js';
import type { TaskBody } from '../../engine/ports.js';
import { affinityId } from '../compute-node/wire.js';
import { present, stateOf, urlOf, visible } from '../wire.js';
import { executionInfo } from './execution-info.js';

/** Properties of CloudTask (the contract's section 4.8), for `$select`. */
export const TASK_PROPERTIES = propertiesOf('CloudTask');

/** A task as clients see it; `job` tells where its files lie. */
export function cloudTask(
  task: Task,
  body: TaskBody | undefined,
  job: Job,
  baseUrl: string,
): object {
  const {
    id: _id,
    displayName,
    constraints: _constraints,
    ...settings
  } = visible(body ?? {}) as Partial<TaskBody>;
  return present({
    id: task.id,
    displayName,
    url: urlOf(baseUrl, 'jobs', job.id, 'tasks', task.id),
    eTag: etagOf(task),
    lastModified: formatTime(task.lastModified),
    creationTime: formatTime(task.creationTime),
    ...stateOf(task),
    ...settings,
    requiredSlots: task.requiredSlots,
    constraints: {
      maxWallClockTime: formatDuration(task.maxWallClockTimeMs ?? Infinity),
      retentionTime: formatDuration(task.retentionTimeMs ?? Infinity),
      maxTaskRetryCount: task.maxTaskRetryCount,
    },
    executionInfo: executionInfo(task),
    nodeInfo: nodeInfo(task, job, baseUrl),
  });
}

/** Where the task runs or ran; a task that waits (or never had a node) is nowhere. */
function nodeInfo(task: Task, job: Job, baseUrl: string): object | undefined {
  const { nodeId, poolId } = task;
  if (nodeId === undefined || poolId === undefined || task.state === 'active') return undefined;
  const nodeUrl = urlOf(baseUrl, 'pools', poolId, 'nodes', nodeId);
  const taskRootDirectory = `workitems/${job.folder}/${task.id}`;
  return {
    affinityId: affinityId(nodeId),
    nodeUrl,
    poolId,
    nodeId,
    taskRootDirectory,
    taskRootDirectoryUrl: `${nodeUrl}/files/${taskRootDirectory}`,
  };
}
