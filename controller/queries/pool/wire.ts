import { propertiesOf } from '../../../protocol/batch/entities.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import { formatDuration, formatTime } from '../../../protocol/time.js';
import type { AutoScaleRun, Pool } from '../../core/pool/state.js';
import type { NodeCount } from '../../engine/reader.js';
import { present, stateOf, urlOf, visible } from '../wire.js';

/** Properties of CloudPool (the contract's section 4.2), for `$select`. */
export const POOL_PROPERTIES = propertiesOf('CloudPool');

export interface CurrentNodes {
  dedicated: number;
  lowPriority: number;
}

/** Nodes that a pool has, whatever their state, by pool. */
export function currentNodes(counts: readonly NodeCount[]): Map<string, CurrentNodes> {
  const current = new Map<string, CurrentNodes>();
  for (const { pool, isDedicated, count } of counts) {
    const sum = current.get(pool) ?? { dedicated: 0, lowPriority: 0 };
    sum[isDedicated ? 'dedicated' : 'lowPriority'] += count;
    current.set(pool, sum);
  }
  return current;
}

/** A pool as clients see it. Resize errors are those of the last resize, shown once it is over. */
export function cloudPool(pool: Pool, current: CurrentNodes | undefined, baseUrl: string): object {
  const { id, displayName, ...specification } = visible(pool.specification);
  const steady = pool.allocationState === 'steady';
  return present({
    id,
    displayName,
    url: urlOf(baseUrl, 'pools', pool.id),
    eTag: etagOf(pool),
    lastModified: formatTime(pool.lastModified),
    creationTime: formatTime(pool.creationTime),
    ...stateOf(pool),
    allocationState: pool.allocationState,
    allocationStateTransitionTime: formatTime(pool.allocationStateTransitionTime),
    ...specification,
    cloudServiceConfiguration: cloudService(pool),
    targetNodeCommunicationMode: pool.specification.targetNodeCommunicationMode ?? 'default',
    currentNodeCommunicationMode: 'classic',
    vmSize: pool.specification.vmSize.toLowerCase(),
    resizeTimeout: formatDuration(pool.resize.timeoutMs),
    resizeErrors: steady && pool.resizeErrors.length > 0 ? pool.resizeErrors : undefined,
    currentDedicatedNodes: current?.dedicated ?? 0,
    currentLowPriorityNodes: current?.lowPriority ?? 0,
    targetDedicatedNodes: pool.targetDedicatedNodes,
    targetLowPriorityNodes: pool.targetLowPriorityNodes,
    imageUpgrade: pool.imageUpgrade && {
      remainingNodes: Object.keys(pool.imageUpgrade.nodes).length,
      maxParallelNodes: pool.imageUpgrade.maxParallelNodes,
    },
    autoScaleRun: pool.autoScale?.run && autoScaleRun(pool.autoScale.run),
  });
}

/** While its OS is upgraded a pool has two versions; old api-versions show both. */
const cloudService = ({ specification, upgrade }: Pool) =>
  specification.cloudServiceConfiguration &&
  present({ ...specification.cloudServiceConfiguration, currentOSVersion: upgrade?.from });

/** AutoScaleRun as clients see it: the last evaluation of a pool, or the answer to a dry run. */
export const autoScaleRun = (run: AutoScaleRun): object => ({
  ...run,
  timestamp: formatTime(run.timestamp),
});
