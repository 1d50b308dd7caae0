import { propertiesOf } from '../../../protocol/batch/entities.js';
import type { TaskKey } from '../../../protocol/keys.js';
import { formatTime } from '../../../protocol/time.js';
import type { StartTaskInfo } from '../../core/node/state.js';
import type { Pool } from '../../core/pool/state.js';
import type { Task } from '../../core/task/state.js';
import type { Rows } from '../../engine/ports.js';
import { endpointConfiguration } from './endpoints.js';
import { pendingChanges } from './pending-changes.js';
import { recentTasks } from './recent-tasks.js';
import { failureOf, present, timeOf, urlOf, visible } from '../wire.js';

/** Properties of ComputeNode (the contract's section 4.10), for `$select`. */
export const NODE_PROPERTIES = propertiesOf('ComputeNode');

/** What tasks name to run beside what ran on a node before. */
export const affinityId = (nodeId: string): string => `TVM:${nodeId}`;

/** A node as clients see it, with what it has from its pool, and those of its recent tasks that there still are. */
export function computeNode(
  node: Rows['node']['row'],
  tasks: ReadonlyMap<TaskKey, Task>,
  pool: Pool,
  baseUrl: string,
): object {
  const specification = visible(pool.specification);
  const { virtualMachineConfiguration } = specification;
  const { poolVersion = 1 } = node;
  // Those of its last boot, not what the pool names meanwhile.
  const past = pool.late?.past?.find(({ until }) => poolVersion < until);
  const { certificateReferences: certificates = [] } = past ?? specification;
  const pending = pendingChanges(node, pool);
  const image = node.imageReference ?? virtualMachineConfiguration?.imageReference;
  return present({
    id: node.id,
    url: urlOf(baseUrl, 'pools', pool.id, 'nodes', node.id),
    state: node.state,
    schedulingState: node.schedulingState,
    stateTransitionTime: formatTime(node.stateTransitionTime),
    lastBootTime: timeOf(node.lastBootTime),
    allocationTime: formatTime(node.allocationTime),
    ipAddress: node.ipAddress,
    affinityId: affinityId(node.id),
    vmSize: specification.vmSize.toLowerCase(),
    totalTasksRun: node.totalTasksRun,
    runningTasksCount: node.runningTasksCount,
    runningTaskSlotsCount: node.runningTaskSlotsCount,
    totalTasksSucceeded: node.totalTasksSucceeded,
    recentTasks: recentTasks(node, tasks, baseUrl),
    startTask: specification.startTask,
    startTaskInfo: startTaskInfo(node.startTaskInfo),
    certificateReferences: certificates.length > 0 ? certificates : undefined,
    errors: node.errors.length > 0 ? node.errors : undefined,
    isDedicated: node.isDedicated,
    poolVersion,
    pendingChanges: pending.length > 0 ? pending : undefined,
    hypervisor: node.hypervisor,
    endpointConfiguration: endpointConfiguration(node, pool),
    nodeAgentInfo:
      node.agentVersion === undefined
        ? undefined
        : {
            version: node.agentVersion,
            lastUpdateTime: formatTime(node.lastBootTime ?? node.allocationTime),
            ...(node.remarks === undefined ? {} : { remarks: node.remarks }),
          },
    virtualMachineInfo:
      image === undefined
        ? undefined
        : {
            imageReference: { ...image, exactVersion: image.version },
          },
  });
}

/** Between two tries only the end of the one before is told: results are those of a completed start task. */
function startTaskInfo(info: StartTaskInfo | undefined): object | undefined {
  if (info === undefined) return undefined;
  const completed = info.state === 'completed';
  return present({
    state: info.state,
    startTime: formatTime(info.startTime),
    endTime: timeOf(info.endTime),
    exitCode: completed ? info.exitCode : undefined,
    containerInfo: completed ? info.containerInfo : undefined,
    failureInfo: completed ? failureOf(info.failureInfo) : undefined,
    retryCount: info.retryCount,
    lastRetryTime: timeOf(info.lastRetryTime),
    result: completed ? info.result : undefined,
  });
}
