import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';

/**
 * Which nodes go first: those that are away already, then those not yet ready, then idle ones, then those
 * without a job manager; the newest boot first among equals.
 */
export function inOrderOfLeaving(recorder: Recorder, nodes: readonly Node[]): Node[] {
  const rank = (node: Node) => {
    if (node.state === 'preempted') return -1;
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
