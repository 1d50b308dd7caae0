import type { Recorder } from '../recorder.js';
import type { Node } from './state.js';

/** Orders that a node which is away is told when it is back; what is older goes with its retention time. */
const WAITING_MAX = 1_000;

/** Directories of deleted tasks and jobs go: at once, or when the node is back from a reboot. */
export function removeDirectories(recorder: Recorder, node: Node, directories: string[]): void {
  const { session } = node;
  if (session.id === undefined) {
    session.removals = [...(session.removals ?? []), ...directories].slice(-WAITING_MAX);
    return;
  }
  const { key: nodeKey, incarnation } = node;
  recorder.ask({ type: 'removeDirectories', nodeKey, incarnation, directories });
}

/** The node is back. */
export function removeWaiting(recorder: Recorder, node: Node): void {
  const { removals } = node.session;
  delete node.session.removals;
  if (removals !== undefined) removeDirectories(recorder, node, removals);
}
