import type { NodeKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import { relist } from '../task/hold.js';
import { rememberStartTask } from './start-task-history.js';
import type { Node, NodeSession, NodeState } from './state.js';

export function moveNode(recorder: Recorder, node: Node, to: NodeState): void {
  if (node.state === to) return;
  node.state = to;
  node.stateTransitionTime = recorder.now;
  delete node.session.countsFrom;
  recorder.changed('node', node);
  recorder.state.toSettle.nodes.add(node.key);
  recorder.state.toSettle.pools.add(node.pool);
  relist(recorder.state, node);
}

/** A node that nobody has heard of since `now`: after a start every node gets a whole lease. */
export const freshSession = (leaseUntil: number): NodeSession => ({ leaseUntil, failures: 0 });

export const fullLease = (recorder: Recorder) =>
  recorder.now + recorder.settings.leaseMs + recorder.settings.leaseGraceMs;

/** The node's agent has a link that speaks for this incarnation. */
export const isConnected = (node: Node) => node.session.id !== undefined;

/** The node of this incarnation; facts of an older one change nothing. */
export function nodeOf(recorder: Recorder, key: NodeKey, incarnation: number): Node | undefined {
  const node = recorder.state.nodes.get(key);
  return node?.incarnation === incarnation ? node : undefined;
}

/** The node begins a new life: another credential, numbers from 1, nothing known of its tasks. */
export function nextIncarnation(recorder: Recorder, node: Node): void {
  rememberStartTask(recorder, node);
  node.incarnation += 1;
  if (node.state !== 'rebooting') {
    node.diskIncarnation = node.incarnation;
    delete node.imageReference;
  }
  delete node.secretHash;
  delete node.startTaskInfo;
  delete node.awaitsStartTask;
  node.lastEventSequence = 0;
  node.errors = [];
  delete node.session.id;
  delete node.session.unconfirmed;
  delete node.session.retryAt;
  recorder.changed('node', node);
  recorder.ask({ type: 'reconcilePool', poolKey: node.pool });
}
