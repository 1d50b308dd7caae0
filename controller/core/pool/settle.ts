import { removeSamples } from '../autoscale/sample-window.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import type { PoolKey } from '../../../protocol/keys.js';
import { leavePool } from '../node/drain.js';
import { bringBack } from '../node/preempt.js';
import type { Node } from '../node/state.js';
import { roomChanged } from '../hypervisor/seen.js';
import type { Recorder } from '../recorder.js';
import { inOrderOfLeaving } from './leaving-order.js';
import { clearMaintained } from './maintenance.js';
import { coresLeft } from './quota.js';
import { makeNodes } from './room.js';
import { settleUpgrade } from './cloud-service.js';
import { autoScaleDeadline, evaluatePool } from './autoscale.js';
import type { Pool } from './state.js';
import { moveAllocation } from './transition.js';
import { settleImageUpgrade } from './upgrade-image.js';

/** When time alone changes the pool. */
export function poolDeadline(recorder: Recorder, pool: Pool): number {
  if (pool.state === 'deleting') return Infinity;
  if (pool.allocationState === 'steady') return autoScaleDeadline(pool);
  // A state that clients shall see lasts at least until the next tick.
  if (pool.allocationStateTransitionTime === recorder.now) return recorder.now + 1;
  // A stop ends when the last leaving node is gone, which settles the pool; no time limit ends it.
  if (pool.allocationState === 'stopping') return Infinity;
  return pool.resize.startTime + pool.resize.timeoutMs;
}

/** Brings the node rows closer to the targets, and ends the resize when nothing is left to do. Idempotent. */
export function settlePool(recorder: Recorder, pool: Pool): void {
  const waited = recorder.state.waitingForRoom.delete(pool.key);
  step(recorder, pool);
  // Whoever stood behind it has its turn.
  if (waited && !recorder.state.waitingForRoom.has(pool.key)) roomChanged(recorder);
}

function step(recorder: Recorder, pool: Pool): void {
  if (pool.state === 'active') {
    clearMaintained(recorder, pool);
    settleUpgrade(recorder, pool);
    settleImageUpgrade(recorder, pool);
  }
  if (pool.state === 'active' && pool.allocationState === 'steady') bringBack(recorder, pool);
  if (pool.allocationState === 'steady') {
    const isSeen = pool.allocationStateTransitionTime !== recorder.now;
    if (isSeen && recorder.now >= autoScaleDeadline(pool)) evaluatePool(recorder, pool);
    return;
  }
  const nodes = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])];
  if (pool.allocationState === 'resizing') {
    approachTargets(recorder, pool, nodes);
    if (pool.state === 'active') bringBack(recorder, pool);
  }
  const present = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])];
  if (pool.state === 'deleting') {
    if (present.length === 0) removePool(recorder, pool);
    return;
  }
  if (pool.allocationStateTransitionTime === recorder.now) return;
  if (pool.allocationState === 'stopping') endStop(recorder, pool, present);
  else if (
    !recorder.state.waitingForRoom.has(pool.key) &&
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

/** What kept a resize from its target. */
type ResizeErrors = Pool['resizeErrors'];

function approachTargets(recorder: Recorder, pool: Pool, nodes: readonly Node[]): void {
  // Errors of one kind of nodes in this very step do not keep the other from its try.
  const mayGrow = pool.resizeErrors.length === 0;
  const errors: ResizeErrors = [];
  for (const isDedicated of [true, false])
    errors.push(...approach(recorder, pool, nodes, isDedicated, mayGrow));
  // While some nodes wait for room the others are tried again with them.
  if (errors.length === 0 || recorder.state.waitingForRoom.has(pool.key)) return;
  pool.resizeErrors.push(...errors);
  recorder.changed('pool', pool);
}

function approach(
  recorder: Recorder,
  pool: Pool,
  nodes: readonly Node[],
  isDedicated: boolean,
  mayGrow: boolean,
): ResizeErrors {
  const staying = nodes.filter(
    (node) => node.isDedicated === isDedicated && node.leaving === undefined,
  );
  const difference = targetOf(pool, isDedicated) - staying.length;
  if (difference < 0)
    for (const node of inOrderOfLeaving(recorder, staying).slice(0, -difference))
      leavePool(recorder, node, pool.resize.nodeDeallocationOption);
  return difference > 0 && mayGrow ? grow(recorder, pool, isDedicated, difference) : [];
}

/** One try for each node of a resize: what failed or exceeds a limit is said, not tried again. */
function grow(recorder: Recorder, pool: Pool, isDedicated: boolean, wanted: number): ResizeErrors {
  const { waitingForRoom, nodesOfPool } = recorder.state;
  const errors: ResizeErrors = [];
  const communicating = pool.specification.enableInterNodeCommunication
    ? Math.max(0, LIMITS.communicatingNodes - (nodesOfPool.get(pool.key)?.size ?? 0))
    : Infinity;
  if (wanted > communicating) errors.push(communicationError());
  const { nodes, quota } = coresLeft(recorder, pool, isDedicated);
  const allowed = Math.min(wanted, communicating);
  if (allowed > nodes) errors.push(quotaError(isDedicated, quota));
  const placed = makeNodes(recorder, pool, isDedicated, Math.min(allowed, nodes));
  if (placed.made > 0) recorder.ask({ type: 'reconcilePool', poolKey: pool.key });
  if (placed.waiting > 0)
    waitingForRoom.set(pool.key, isDedicated || waitingForRoom.get(pool.key) === true);
  if (placed.refusal !== undefined) errors.push(allocationError(placed.refusal));
  return errors;
}

const quotaError = (isDedicated: boolean, quota: number): ResizeErrors[number] => ({
  code: isDedicated ? 'AccountCoreQuotaReached' : 'AccountLowPriorityCoreQuotaReached',
  message: `The account's quota of ${quota} ${isDedicated ? 'dedicated' : 'low-priority'} cores has been reached`,
  values: [{ name: 'Quota', value: String(quota) }],
});

const communicationError = (): ResizeErrors[number] => ({
  code: 'CommunicationEnabledPoolReachedMaxVMCount',
  message: `A pool with enableInterNodeCommunication has at most ${LIMITS.communicatingNodes} nodes`,
  values: [{ name: 'Maximum', value: String(LIMITS.communicatingNodes) }],
});

const allocationError = (reason: string): ResizeErrors[number] => ({
  code: 'AllocationFailed',
  message: 'Desired number of nodes could not be allocated',
  values: [{ name: 'Reason', value: reason }],
});

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
  const stuck = nodes.filter(({ leaving }) => leaving?.drained === true);
  if (stuck.length > 0) pool.resizeErrors.push(removalError(stuck));
  for (const node of nodes)
    if (node.state === 'creating' && node.incarnation === 1) leavePool(recorder, node, 'requeue');
  recorder.state.waitingForRoom.delete(pool.key);
  moveAllocation(recorder, pool, 'steady');
}

/** Their tasks are dealt with, and still their provider has not taken them away. */
const removalError = (nodes: readonly Node[]): ResizeErrors[number] => ({
  code: 'RemoveNodesFailed',
  message: 'One or more nodes could not be removed; they are tried again until they are gone',
  values: nodes.slice(0, 10).map((node) => ({
    name: 'Node',
    value: `${node.id}${node.errors.map(({ message }) => `: ${message}`).join('')}`,
  })),
});

function removePool(recorder: Recorder, pool: Pool): void {
  recorder.removed('pool', pool);
  removeSamples(recorder, pool.key);
  recorder.state.removePool(pool);
  settleCertificatesOf(recorder, pool.key);
}

function settleCertificatesOf(recorder: Recorder, pool: PoolKey): void {
  for (const certificate of recorder.state.certificates.values())
    if (pool.startsWith(`${certificate.account}/`) && certificate.state === 'deleting')
      recorder.state.toSettle.certificates.add(certificate.key);
}
