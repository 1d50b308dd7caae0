import type { Node } from '../node/state.js';

/** `3 idle, 1 starting`, the most frequent first; `none` where there are no nodes. */
export function statesOf(nodes: readonly Pick<Node, 'state'>[]): string {
  const counts = new Map<string, number>();
  for (const { state } of nodes) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([state, count]) => `${count} ${state}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
