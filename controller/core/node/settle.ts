import { loseAttempt } from '../task/attempt.js';
import type { Recorder } from '../recorder.js';
import { exorciseWhere, relist } from '../task/hold.js';
import { decideUnconfirmed } from './connect.js';
import { keepConsole, NOT_PREPARED } from './console.js';
import { isWithinReach, reachableSince } from '../hypervisor/seen.js';
import { createAgain, leaseEnded } from './lose.js';
import { keepsData } from './retention.js';
import type { Node } from './state.js';
import { moveNode, nextIncarnation } from './transition.js';

/** How often the provider is asked about a node that nobody hears of. */
const UNKNOWN_CHECK_MS = 30_000;

const hasLease = (node: Node) =>
  ['idle', 'running', 'offline', 'waitingforstarttask', 'starttaskfailed'].includes(node.state);

/** When time alone changes the node. */
export function nodeDeadline(recorder: Recorder, node: Node): number {
  const load = recorder.state.loadOf(node);
  const { stopTimeoutMs, bootTimeoutMs } = recorder.settings;
  const deadlines = [node.session.unconfirmed?.until ?? Infinity];
  // Out of reach nothing can be made: it is looked at again when its hypervisor answers.
  const isReachable = isWithinReach(recorder, node);
  if (isReachable) deadlines.push(node.session.retryAt ?? Infinity);
  if (hasLease(node) || !load.isEmpty || keepsData(node)) deadlines.push(node.session.leaseUntil);
  // Ghosts come in the order of their ends.
  for (const ghost of load.ghosts.values()) {
    if (ghost.heard) continue;
    deadlines.push(ghost.since + stopTimeoutMs);
    break;
  }
  if (node.state === 'starting' && node.session.id === undefined && isReachable)
    deadlines.push(silentSince(recorder, node) + bootTimeoutMs);
  if (node.state === 'unknown' && node.session.retryAt === undefined && isReachable)
    deadlines.push(recorder.now + UNKNOWN_CHECK_MS);
  const ending = node.leaving?.drained === true ? undefined : (node.leaving ?? node.draining);
  if (ending?.option === 'requeue' || ending?.option === 'terminate')
    deadlines.push(ending.since + stopTimeoutMs);
  if (node.preempting !== undefined && node.preempting.drained !== true)
    deadlines.push(node.preempting.since + stopTimeoutMs);
  return Math.min(...deadlines);
}

/** Takes the node on to where its tasks and the time have brought it. Idempotent. */
export function settleNode(recorder: Recorder, node: Node): void {
  const { now } = recorder;
  if (node.session.unconfirmed !== undefined) decideUnconfirmed(recorder, node);
  const load = recorder.state.loadOf(node);
  if (now >= node.session.leaseUntil && (hasLease(node) || !load.isEmpty || keepsData(node)))
    leaseEnded(recorder, node);
  if (
    node.state === 'starting' &&
    node.session.id === undefined &&
    isWithinReach(recorder, node) &&
    now >= silentSince(recorder, node) + recorder.settings.bootTimeoutMs
  )
    unusable(
      recorder,
      node,
      NOT_PREPARED,
      `The node did not report within ${String(Math.round(recorder.settings.bootTimeoutMs / 1000))} s after it was started; ` +
        'look at what its guest wrote on its console (ComputeNode_GetConsoleLog) and whether guests reach the controller ' +
        'on its hypervisor, then reboot or reimage it',
    );
  const isLost = retryDue(node, now) || silentTooLong(recorder, node);
  if (node.leaving === undefined && isLost && isWithinReach(recorder, node))
    createAgain(recorder, node);
  exorciseWhere(
    recorder,
    node,
    (ghost) => !ghost.heard && now >= ghost.since + recorder.settings.stopTimeoutMs,
  );
  if (load.special.size > 0)
    for (const task of [...load.attempts.keys()])
      if (task.phase === 'preparing' && task.stopping !== undefined) loseAttempt(recorder, task);
  const isEmpty = load.isEmpty && !keepsData(node);
  if (node.leaving !== undefined) settleLeaving(recorder, node, isEmpty);
  else if (node.preempting !== undefined) settlePreempting(recorder, node, isEmpty);
  else if (node.draining !== undefined) settleDraining(recorder, node, isEmpty);
  if (node.state === 'idle' || node.state === 'running' || node.state === 'offline')
    moveNode(recorder, node, restState(node));
  relist(recorder.state, node);
}

const retryDue = ({ session }: Node, now: number) =>
  session.retryAt !== undefined && now >= session.retryAt;

/**
 * Unknown for as long as a boot may take, though its provider says that it exists: its agent is dead or
 * locked out. The next incarnation shuts the silent one out, so nothing of it can speak for the node again.
 */
const silentTooLong = (recorder: Recorder, node: Node) =>
  node.state === 'unknown' &&
  node.session.retryAt === undefined &&
  recorder.now >= silentSince(recorder, node) + recorder.settings.bootTimeoutMs;

/** The time in which its hypervisor was away is no fault of the node. */
const silentSince = (recorder: Recorder, node: Node) =>
  Math.max(node.session.countsFrom ?? node.stateTransitionTime, reachableSince(recorder, node));

/** What an unknown node that lasts asks of its provider: does it still exist? */
export function checkUnknown(recorder: Recorder, node: Node): void {
  if (node.state === 'unknown' && node.session.retryAt === undefined)
    recorder.ask({ type: 'reconcilePool', poolKey: node.pool });
}

function restState(node: Node): 'idle' | 'running' | 'offline' {
  if (node.runningTasksCount > 0) return 'running';
  return node.schedulingState === 'disabled' ? 'offline' : 'idle';
}

/** Tasks of a node that goes by force may not hold it for ever. */
const tookTooLong = (recorder: Recorder, ending: { option: string; since: number }) =>
  (ending.option === 'requeue' || ending.option === 'terminate') &&
  recorder.now >= ending.since + recorder.settings.stopTimeoutMs;

function settleLeaving(recorder: Recorder, node: Node, isEmpty: boolean): void {
  if (node.leaving === undefined || node.leaving.drained === true) return;
  if (!isEmpty && !tookTooLong(recorder, node.leaving)) return;
  node.leaving.drained = true;
  recorder.changed('node', node);
  recorder.ask({ type: 'reconcilePool', poolKey: node.pool });
}

function settlePreempting(recorder: Recorder, node: Node, isEmpty: boolean): void {
  const { preempting } = node;
  if (preempting === undefined || preempting.drained === true) return;
  if (!isEmpty && !tookTooLong(recorder, { option: 'requeue', since: preempting.since })) return;
  preempting.drained = true;
  recorder.changed('node', node);
  recorder.ask({ type: 'reconcilePool', poolKey: node.pool });
}

function settleDraining(recorder: Recorder, node: Node, isEmpty: boolean): void {
  const draining = node.draining;
  if (draining === undefined) return;
  if (draining.then === 'offline') {
    if (!isEmpty) return;
    delete node.draining;
    recorder.changed('node', node);
    return;
  }
  if (!isEmpty) return;
  delete node.draining;
  nextIncarnation(recorder, node);
}

export function unusable(
  recorder: Recorder,
  node: Node,
  code: string,
  message: string,
  errorDetails: Node['errors'][number]['errorDetails'] = [],
): void {
  node.errors = [
    ...node.errors.filter((one) => one.code !== code),
    { code, message, errorDetails },
  ];
  recorder.changed('node', node);
  keepConsole(recorder, node);
  if (node.leaving === undefined && node.state !== 'preempted')
    moveNode(recorder, node, 'unusable');
}
