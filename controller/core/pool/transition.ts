import { INFINITE_MS } from '../../../protocol/time.js';
import type { NodeDeallocationOption, Pool } from './state.js';
import type { AllocationState } from './state.js';
import type { Recorder } from '../recorder.js';

export function moveAllocation(recorder: Recorder, pool: Pool, to: AllocationState): void {
  pool.allocationState = to;
  pool.allocationStateTransitionTime = recorder.now;
  recorder.changed('pool', pool);
  recorder.state.toSettle.pools.add(pool.key);
}

/** Begins a resize to targets that are already set. */
export function beginResize(
  recorder: Recorder,
  pool: Pool,
  timeoutMs: number,
  nodeDeallocationOption: NodeDeallocationOption,
): void {
  const finiteMs = Math.min(timeoutMs, INFINITE_MS); // rows hold no Infinity
  pool.resize = { startTime: recorder.now, timeoutMs: finiteMs, nodeDeallocationOption };
  pool.resizeErrors = [];
  moveAllocation(recorder, pool, 'resizing');
}

/** state → deleting: any resize ends, all nodes leave with requeue, then the pool goes. */
export function deletePool(recorder: Recorder, pool: Pool): void {
  pool.state = 'deleting';
  pool.stateTransitionTime = recorder.now;
  pool.targetDedicatedNodes = 0;
  pool.targetLowPriorityNodes = 0;
  beginResize(recorder, pool, pool.resize.timeoutMs, 'requeue');
}
