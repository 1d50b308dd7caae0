import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { Hypervisor } from '../settings.js';
import { isInMaintenance } from './maintenance.js';
import type { Amount } from './place.js';
import { demandOf, totalOf } from './rooms.js';

/**
 * unknown      its provider has not told of it yet
 * unreachable  it does not answer; `reason` says why
 * maintenance  it takes no nodes, and those that it has leave once their tasks have ended
 * available    it takes nodes
 */
type HypervisorState = 'unknown' | 'unreachable' | 'maintenance' | 'available';

/** One hypervisor as operators look at it. Infinity: not limited. */
export interface HypervisorOverview {
  readonly name: string;
  readonly nodeProvider: Hypervisor['nodeProvider'];
  readonly state: HypervisorState;
  readonly reason?: string;
  readonly maintenance: boolean;
  /** All that it gives away, over-commit included, and what its nodes have of it. */
  readonly capacity: Amount;
  readonly used: Amount;
  readonly dedicatedNodes: number;
  readonly lowPriorityNodes: number;
  readonly labels: Hypervisor['labels'];
  readonly networks?: readonly string[];
  readonly hostDevices: readonly { kind: string; address: string; nodeId?: string }[];
}

/** All hypervisors, in the order of the configuration. Costs time in proportion to all nodes. */
export function hypervisorOverview(recorder: Recorder): HypervisorOverview[] {
  const nodes = new Map<string, Node[]>();
  for (const node of recorder.state.nodes.values()) {
    if (node.hypervisor === undefined) continue;
    const there = nodes.get(node.hypervisor);
    if (there === undefined) nodes.set(node.hypervisor, [node]);
    else there.push(node);
  }
  return (recorder.settings.hypervisors ?? []).map((host) =>
    overviewOf(recorder, host, nodes.get(host.name) ?? []),
  );
}

function overviewOf(
  recorder: Recorder,
  host: Hypervisor,
  nodes: readonly Node[],
): HypervisorOverview {
  const used: Amount = { vcpus: 0, memoryMiB: 0, diskGiB: 0 };
  for (const node of nodes) {
    const pool = recorder.state.pools.get(node.pool);
    if (pool === undefined) continue;
    const demand = demandOf(recorder.settings, pool.specification);
    used.vcpus += demand.vcpus;
    used.memoryMiB += demand.memoryMiB;
    used.diskGiB += demand.diskGiB;
  }
  const dedicatedNodes = nodes.filter(({ isDedicated }) => isDedicated).length;
  const ownerOf = (address: string) =>
    nodes.find(({ hostDevices }) => hostDevices?.includes(address) === true)?.id;
  return {
    name: host.name,
    nodeProvider: host.nodeProvider,
    ...stateOf(recorder, host),
    maintenance: isInMaintenance(recorder, host),
    capacity: totalOf(recorder, host),
    used,
    dedicatedNodes,
    lowPriorityNodes: nodes.length - dedicatedNodes,
    labels: host.labels,
    ...(host.networks === undefined ? {} : { networks: host.networks }),
    hostDevices: host.hostDevices.map(({ kind, address }) => {
      const nodeId = ownerOf(address);
      return { kind, address, ...(nodeId === undefined ? {} : { nodeId }) };
    }),
  };
}

function stateOf(
  recorder: Recorder,
  host: Hypervisor,
): { state: HypervisorState; reason?: string } {
  const sight = recorder.state.hypervisors.get(host.name);
  if (sight?.reachable === false)
    return { state: 'unreachable', reason: sight.reason ?? 'it does not answer' };
  if (isInMaintenance(recorder, host)) return { state: 'maintenance' };
  return { state: host.discovered && sight === undefined ? 'unknown' : 'available' };
}
