import { loseRun } from '../job-node/report.js';
import { rememberNode } from '../account/past.js';
import { roomChanged } from '../hypervisor/seen.js';
import type { Recorder } from '../recorder.js';
import { loseAttempt } from '../task/attempt.js';
import { loseSubtask } from '../task/group.js';
import { exorciseWhere } from '../task/hold.js';
import { endedInBoot, keepConsole, NOT_PREPARED } from './console.js';
import { moveFromGoneHypervisor, nodePreempted } from './preempt.js';
import { rememberStartTask } from './start-task-history.js';
import type { Node } from './state.js';
import { moveNode, nextIncarnation } from './transition.js';

/** Gives away all that the node had. Only where nothing of it can run any more: lease over, or gone. */
export function loseAttempts(recorder: Recorder, node: Node): void {
  for (const task of [...recorder.state.loadOf(node).attempts.keys()]) loseAttempt(recorder, task);
  for (const subtask of [...recorder.state.loadOf(node).subtasks]) loseSubtask(recorder, subtask);
  for (const one of [...recorder.state.loadOf(node).special]) loseRun(recorder, node, one);
  exorciseWhere(recorder, node, () => true);
  node.session.retains = false;
  recorder.state.toSettle.nodes.add(node.key);
}

/** The lease ended without a word. */
export function leaseEnded(recorder: Recorder, node: Node): void {
  delete node.session.unconfirmed;
  loseAttempts(recorder, node);
  if (['idle', 'running', 'offline', 'waitingforstarttask', 'starttaskfailed'].includes(node.state))
    moveNode(recorder, node, 'unknown');
}

/** The provider has nothing of this incarnation: a leaving node is gone, another is made again after a pause. */
export function nodeGone(recorder: Recorder, node: Node): void {
  loseAttempts(recorder, node);
  if (node.leaving !== undefined) {
    removeNode(recorder, node);
    return;
  }
  if (node.state === 'preempted') return nodePreempted(recorder, node);
  delete node.session.id;
  delete node.draining;
  // The provider may say so again while the pause lasts.
  if (node.session.retryAt !== undefined) return;
  const wasBooting = node.state === 'starting' || node.state === 'unusable';
  if (wasBooting && node.secretHash === undefined) endedInBoot(recorder, node);
  keepConsole(recorder, node);
  retryLater(recorder, node);
}

/** `unknown` until the back-off has passed; then it is created again. */
export function retryLater(recorder: Recorder, node: Node): void {
  const { nodeRetryMs, nodeRetryMaximumMs } = recorder.settings;
  const pause = Math.min(
    nodeRetryMs * 2 ** Math.min(node.session.failures, 20),
    nodeRetryMaximumMs,
  );
  node.session.failures += 1;
  node.session.retryAt = recorder.now + pause;
  recorder.changed('node', node);
  moveNode(recorder, node, 'unknown');
}

/** The back-off has passed. A node of a hypervisor that is no longer configured finds another. */
export function createAgain(recorder: Recorder, node: Node): void {
  moveFromGoneHypervisor(recorder, node);
  const failed = node.errors.filter(({ code }) => code === NOT_PREPARED);
  nextIncarnation(recorder, node);
  node.errors = failed;
  moveNode(recorder, node, 'creating');
}

export function removeNode(recorder: Recorder, node: Node): void {
  rememberNode(recorder, node);
  rememberStartTask(recorder, node);
  recorder.removed('node', node);
  recorder.state.removeNode(node);
  recorder.state.toSettle.pools.add(node.pool);
  if (node.hypervisor !== undefined) roomChanged(recorder);
}
