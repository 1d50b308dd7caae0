import type { PoolAdd } from '../../../protocol/batch/pool.js';
import type { Node } from '../node/state.js';
import type { Pool } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import type { Hypervisor, Settings } from '../settings.js';
import { isInMaintenance } from './maintenance.js';
import type { Amount, Demand, Room } from './place.js';

type Shape = Pick<PoolAdd, 'vmSize' | 'virtualMachineConfiguration' | 'networkConfiguration'>;

/** What each node of a pool takes of its hypervisor: its size and its data disks. */
export function demandOf({ vmSizes }: Settings, { vmSize, ...shape }: Shape): Demand {
  const size = vmSizes.find(({ name }) => name === vmSize.toLowerCase());
  const dataDisks = shape.virtualMachineConfiguration?.dataDisks ?? [];
  return {
    vcpus: size?.vcpus ?? 1,
    memoryMiB: size?.memoryMiB ?? 0,
    diskGiB: dataDisks.reduce((sum, disk) => sum + disk.diskSizeGB, size?.diskGiB ?? 0),
    hostDevices: size?.hostDevices ?? {},
  };
}

/** Those of the pool's provider; none: its nodes are not counted. */
const hypervisorsOf = ({ settings }: Recorder, pool: Pool): readonly Hypervisor[] =>
  (settings.hypervisors ?? []).filter(({ nodeProvider }) => nodeProvider === pool.nodeProvider);

export const isCounted = (recorder: Recorder, pool: Pool): boolean =>
  hypervisorsOf(recorder, pool).length > 0;

const NOT_YET = 'it has not answered yet';

/** A hypervisor that suits the pool may yet answer: until then nobody is refused or preempted. */
export const isAwaited = (recorder: Recorder, pool: Pool): boolean =>
  hypervisorsOf(recorder, pool).some((host) => unsuitable(recorder, pool, host) === NOT_YET);

/** Why a pool can't have nodes there at all; undefined: it can. */
export function unsuitable(recorder: Recorder, pool: Pool, host: Hypervisor): string | undefined {
  const sight = recorder.state.hypervisors.get(host.name);
  if (host.discovered && sight === undefined) return NOT_YET;
  if (sight?.reachable === false) return sight.reason ?? 'it does not answer';
  if (isInMaintenance(recorder, host)) return 'it is in maintenance';
  const { virtualMachineConfiguration, networkConfiguration } = pool.specification;
  const wanted = virtualMachineConfiguration?.nodePlacementConfiguration?.hypervisorLabels ?? {};
  for (const [name, value] of Object.entries(wanted))
    if (host.labels[name] !== value) return `its label ${name} is not ${value}`;
  const network = networkConfiguration?.subnetId?.split('/').at(-1);
  if (network !== undefined && host.networks?.includes(network) === false)
    return `it has no network ${network} (there are: ${host.networks.join(', ') || 'none'})`;
  return undefined;
}

/**
 * What the hypervisors that suit the pool have left. `soon`: as if those that are on their way out were
 * gone. Costs time in proportion to all nodes: for resizes and placements, not for every tick.
 */
export function roomsFor(recorder: Recorder, pool: Pool, soon: boolean): Room[] {
  const rooms = new Map<string, Room>();
  for (const host of hypervisorsOf(recorder, pool)) {
    if (unsuitable(recorder, pool, host) !== undefined) continue;
    const total = totalOf(recorder, host);
    const devices = [...host.hostDevices];
    rooms.set(host.name, {
      name: host.name,
      total,
      free: { ...total },
      devices,
      nodes: 0,
      ofPool: 0,
    });
  }
  for (const other of recorder.state.pools.values()) {
    if (other.nodeProvider !== pool.nodeProvider) continue;
    const demand = demandOf(recorder.settings, other.specification);
    for (const node of recorder.state.nodesOfPool.get(other.key) ?? []) {
      const room = node.hypervisor === undefined ? undefined : rooms.get(node.hypervisor);
      if (room === undefined || (soon && goesSoon(node))) continue;
      occupy(room, node, demand);
      if (other === pool) room.ofPool += 1;
    }
  }
  return [...rooms.values()];
}

function occupy(room: Room, node: Node, demand: Demand): void {
  room.free.vcpus -= demand.vcpus;
  room.free.memoryMiB -= demand.memoryMiB;
  room.free.diskGiB -= demand.diskGiB;
  room.nodes += 1;
  if (node.hostDevices !== undefined)
    room.devices = room.devices.filter(
      ({ address }) => node.hostDevices?.includes(address) !== true,
    );
}

/** Its room is free within the time that its tasks are given to stop. */
const goesSoon = ({ preempting, leaving }: Node): boolean =>
  preempting !== undefined ||
  leaving?.drained === true ||
  leaving?.option === 'requeue' ||
  leaving?.option === 'terminate';

/** What a hypervisor may give away: what is configured, else what was found, times the over-commit. */
export function totalOf({ state }: Recorder, { name, capacity, overCommit }: Hypervisor): Amount {
  const found = state.hypervisors.get(name)?.capacity ?? {};
  const times = (amount: number | undefined, factor: number) =>
    amount === undefined ? Infinity : Math.floor(amount * factor);
  return {
    vcpus: times(capacity.vcpus ?? found.vcpus, overCommit.vcpus),
    memoryMiB: times(capacity.memoryMiB ?? found.memoryMiB, overCommit.memory),
    diskGiB: times(capacity.diskGiB ?? found.diskGiB, overCommit.disk),
  };
}

/** A pool's nodes go to as many hypervisors as there are: Azure's zonal placement policy. */
export const isSpread = ({ specification }: Pool): boolean =>
  specification.virtualMachineConfiguration?.nodePlacementConfiguration?.policy === 'zonal';
