import type { Event } from '../event.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { HypervisorSight } from './state.js';

const UNREACHABLE = 'HypervisorUnreachable';

/** A hypervisor disappeared, came back, or has another size than was known. Nodes there say so. */
export function hypervisorSeen(
  recorder: Recorder,
  { hypervisor, reachable, reason, capacity }: Extract<Event, { type: 'hypervisorSeen' }>,
): void {
  const { state, now } = recorder;
  const before = state.hypervisors.get(hypervisor);
  const wasReachable = before?.reachable ?? true;
  const sight: HypervisorSight = {
    reachable,
    since: wasReachable === reachable ? (before?.since ?? now) : now,
    capacity: capacity ?? before?.capacity ?? {},
    ...(reason === undefined ? {} : { reason }),
  };
  state.hypervisors.set(hypervisor, sight);
  for (const node of state.nodes.values()) {
    if (node.hypervisor !== hypervisor) continue;
    const had = node.errors.some(({ code }) => code === UNREACHABLE);
    if (had !== reachable && wasReachable === reachable) continue;
    tell(recorder, node, sight);
  }
  if (reachable) roomChanged(recorder);
}

/** What stands in the way of a node: its VM may run or not, nobody can tell. */
function tell(recorder: Recorder, node: Node, { reachable, reason }: HypervisorSight): void {
  const others = node.errors.filter(({ code }) => code !== UNREACHABLE);
  const message = `Hypervisor ${node.hypervisor ?? ''} does not answer; the node is looked for again until it does, or until the node is removed from the pool`;
  const errorDetails = reason === undefined ? [] : [{ name: 'Reason', value: reason }];
  node.errors = reachable ? others : [...others, { code: UNREACHABLE, message, errorDetails }];
  recorder.changed('node', node);
  recorder.state.toSettle.nodes.add(node.key);
}

/** False while nobody can say what has become of the node. */
export const isWithinReach = ({ state }: Recorder, { hypervisor }: Node): boolean =>
  hypervisor === undefined || state.hypervisors.get(hypervisor)?.reachable !== false;

/** Since when the node's hypervisor answers; 0 where it always did. */
export const reachableSince = ({ state }: Recorder, { hypervisor }: Node): number =>
  hypervisor === undefined ? 0 : (state.hypervisors.get(hypervisor)?.since ?? 0);

/** There may be room where there was none: who waits for it looks again. Dedicated nodes come first. */
export function roomChanged({ state }: Recorder): void {
  for (const pool of state.waitingForRoom.keys()) state.toSettle.pools.add(pool);
  for (const node of state.preempted) state.toSettle.pools.add(node.pool);
}
