import type { PoolKey } from '../../../protocol/keys.js';
import { createNode } from '../node/create.js';
import { leavePool } from '../node/drain.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { coresLeft } from './quota.js';
import { autoScaleDeadline, evaluatePool } from './autoscale.js';
import type { Pool } from './state.js';
import { moveAllocation } from './transition.js';

/** When time alone changes the pool. */
export function poolDeadline(recorder: Recorder, pool: Pool): number {
  if (pool.state === 'deleting') return Infinity;
  if (pool.allocationState === 'steady') return autoScaleDeadline(pool);
  // A state that clients shall see lasts at least until the next tick.
  if (pool.allocationStateTransitionTime === recorder.now) return recorder.now + 1;
  return pool.resize.startTime + pool.resize.timeoutMs;
}

/** Brings the node rows closer to the targets, and ends the resize when nothing is left to do. Idempotent. */
export function settlePool(recorder: Recorder, pool: Pool): void {
  if (pool.allocationState === 'steady') {
    const isSeen = pool.allocationStateTransitionTime !== recorder.now;
    if (isSeen && recorder.now >= autoScaleDeadline(pool)) evaluatePool(recorder, pool);
    return;
  }
  const nodes = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])];
  if (pool.allocationState === 'resizing') {
    // Errors of one kind of nodes in this very step do not keep the other from its try.
    const mayGrow = pool.resizeErrors.length === 0;
    for (const isDedicated of [true, false]) approach(recorder, pool, nodes, isDedicated, mayGrow);
  }
  const present = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])];
  if (pool.state === 'deleting') {
    if (present.length === 0) removePool(recorder, pool);
    return;
  }
  if (pool.allocationStateTransitionTime === recorder.now) return;
  if (pool.allocationState === 'stopping') endStop(recorder, pool, present);
  else if (
    !present.some(
      (node) => node.leaving !== undefined || (node.state === 'creating' && node.incarnation === 1),
    )
  )
    moveAllocation(recorder, pool, 'steady');
  else if (recorder.now >= pool.resize.startTime + pool.resize.timeoutMs)
    timeOut(recorder, pool, present);
}

const targetOf = (pool: Pool, isDedicated: boolean) =>
  isDedicated ? pool.targetDedicatedNodes : pool.targetLowPriorityNodes;

function approach(
  recorder: Recorder,
  pool: Pool,
  nodes: readonly Node[],
  isDedicated: boolean,
  mayGrow: boolean,
): void {
  const staying = nodes.filter(
    (node) => node.isDedicated === isDedicated && node.leaving === undefined,
  );
  const difference = targetOf(pool, isDedicated) - staying.length;
  if (difference > 0 && mayGrow) grow(recorder, pool, isDedicated, difference);
  if (difference < 0)
    for (const node of inOrderOfLeaving(recorder, staying).slice(0, -difference))
      leavePool(recorder, node, pool.resize.nodeDeallocationOption);
}

/** One try for each node of a resize: what failed or exceeds the quota is said, not tried again. */
function grow(recorder: Recorder, pool: Pool, isDedicated: boolean, wanted: number): void {
  const { nodes, quota } = coresLeft(recorder, pool, isDedicated);
  const count = Math.min(wanted, nodes);
  for (let n = 0; n < count; n += 1) createNode(recorder, pool, isDedicated);
  if (count > 0) recorder.ask({ type: 'reconcilePool', poolKey: pool.key });
  if (count === wanted) return;
  pool.resizeErrors.push({
    code: isDedicated ? 'AccountCoreQuotaReached' : 'AccountLowPriorityCoreQuotaReached',
    message: `The account's quota of ${quota} ${isDedicated ? 'dedicated' : 'low-priority'} cores has been reached`,
    values: [{ name: 'Quota', value: String(quota) }],
  });
  recorder.changed('pool', pool);
}

/** Not yet ready ones first, then idle, then those without a job manager; the newest boot first. */
function inOrderOfLeaving(recorder: Recorder, nodes: readonly Node[]): Node[] {
  const rank = (node: Node) => {
    const attempts = [...recorder.state.loadOf(node).attempts.keys()];
    if (attempts.some((task) => task.isJobManager)) return 3;
    if (attempts.length > 0 || recorder.state.loadOf(node).subtasks.size > 0) return 2;
    return node.state === 'idle' || node.state === 'running' ? 1 : 0;
  };
  const boot = (node: Node) => node.lastBootTime ?? Infinity;
  return nodes
    .map((node) => ({ node, rank: rank(node) }))
    .sort(
      (a, b) =>
        a.rank - b.rank || (boot(b.node) > boot(a.node) ? 1 : boot(b.node) < boot(a.node) ? -1 : 0),
    )
    .map(({ node }) => node);
}

/** The node counts stay where they are: what is on its way out but not drained stays. */
function endStop(recorder: Recorder, pool: Pool, nodes: readonly Node[]): void {
  if (nodes.some((node) => node.leaving !== undefined)) return;
  pool.resizeErrors = [
    { code: 'ResizeStopped', message: 'The resize was stopped by request of the user', values: [] },
  ];
  moveAllocation(recorder, pool, 'steady');
}

function timeOut(recorder: Recorder, pool: Pool, nodes: readonly Node[]): void {
  pool.resizeErrors.push({
    code: 'AllocationTimedout',
    message: 'Desired number of nodes could not be allocated or removed within the resize timeout',
    values: [],
  });
  for (const node of nodes)
    if (node.state === 'creating' && node.incarnation === 1) leavePool(recorder, node, 'requeue');
  moveAllocation(recorder, pool, 'steady');
}

function removePool(recorder: Recorder, pool: Pool): void {
  recorder.removed('pool', pool);
  recorder.state.removePool(pool);
  settleCertificatesOf(recorder, pool.key);
}

function settleCertificatesOf(recorder: Recorder, pool: PoolKey): void {
  for (const certificate of recorder.state.certificates.values())
    if (pool.startsWith(`${certificate.account}/`) && certificate.state === 'deleting')
      recorder.state.toSettle.certificates.add(certificate.key);
}
