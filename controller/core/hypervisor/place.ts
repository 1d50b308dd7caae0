/** Placement of nodes over hypervisors: numbers in, a choice out. */

/** What one node takes. */
export interface Demand {
  vcpus: number;
  memoryMiB: number;
  diskGiB: number;
  /** How many devices of each kind. */
  hostDevices: Readonly<Record<string, number>>;
}

/** What one hypervisor has left. Infinity: it is not counted. Less than zero: more was given than there is. */
export interface Room {
  readonly name: string;
  /** All that it may give away, over-commit included. */
  readonly total: Amount;
  free: Amount;
  /** Devices that no node has. */
  devices: { kind: string; address: string }[];
  /** Nodes there, and those among them of the pool that asks. */
  nodes: number;
  ofPool: number;
}

export interface Amount {
  vcpus: number;
  memoryMiB: number;
  diskGiB: number;
}

const DIMENSIONS = ['vcpus', 'memoryMiB', 'diskGiB'] as const;

/** True where one more node fits. */
export const fits = (room: Room, demand: Demand): boolean =>
  DIMENSIONS.every((one) => room.free[one] >= demand[one]) &&
  Object.entries(demand.hostDevices).every(
    ([kind, count]) => room.devices.filter((device) => device.kind === kind).length >= count,
  );

/** True where the node would fit if nothing else were there. */
export const couldEverFit = (room: Room, demand: Demand): boolean =>
  DIMENSIONS.every((one) => room.total[one] >= demand[one]);

/**
 * Best fit: the hypervisor that has the least left afterwards, so that large nodes find room later. A
 * spread pool goes where it has the fewest nodes first. Equal ones: the emptier, then by name.
 */
export function choose(rooms: readonly Room[], demand: Demand, spread: boolean): Room | undefined {
  let best: { room: Room; rank: readonly number[] } | undefined;
  for (const room of rooms) {
    if (!fits(room, demand)) continue;
    const rank = [spread ? room.ofPool : 0, leftover(room, demand), room.nodes];
    if (best === undefined || isBefore(rank, room.name, best.rank, best.room.name))
      best = { room, rank };
  }
  return best?.room;
}

function isBefore(a: readonly number[], aName: string, b: readonly number[], bName: string) {
  for (let n = 0; n < a.length; n += 1) {
    const [one = 0, other = 0] = [a[n], b[n]];
    if (one !== other) return one < other;
  }
  return aName < bName;
}

/** The mean part of what is counted that stays free; a device that nobody asked for weighs as a whole. */
function leftover({ free, total, devices }: Room, demand: Demand): number {
  const counted = DIMENSIONS.filter((one) => total[one] !== Infinity && total[one] > 0);
  const sum = counted.reduce((all, one) => all + (free[one] - demand[one]) / total[one], 0);
  const wanted = Object.values(demand.hostDevices).reduce((all, count) => all + count, 0);
  return (counted.length === 0 ? 0 : sum / counted.length) + Math.max(0, devices.length - wanted);
}

/** Books a node; answers with the addresses of its devices. */
export function take(room: Room, demand: Demand): string[] {
  for (const one of DIMENSIONS) room.free[one] -= demand[one];
  room.nodes += 1;
  room.ofPool += 1;
  const taken: string[] = [];
  for (const [kind, count] of Object.entries(demand.hostDevices)) {
    const some = room.devices.filter((device) => device.kind === kind).slice(0, count);
    taken.push(...some.map(({ address }) => address));
  }
  room.devices = room.devices.filter(({ address }) => !taken.includes(address));
  return taken;
}

/** Gives back what a node had. */
export function giveBack(
  room: Room,
  demand: Demand,
  devices: readonly { kind: string; address: string }[],
): void {
  for (const one of DIMENSIONS) room.free[one] += demand[one];
  room.nodes -= 1;
  room.devices.push(...devices);
}
