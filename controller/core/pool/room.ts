/** Finds places for the new nodes of a resize, and makes room for dedicated ones. */
import { choose, couldEverFit, fits, giveBack, take } from '../hypervisor/place.js';
import type { Demand, Room } from '../hypervisor/place.js';
import {
  demandOf,
  isAwaited,
  isCounted,
  isSpread,
  roomsFor,
  unsuitable,
} from '../hypervisor/rooms.js';
import { createNode } from '../node/create.js';
import { dedicatedWaits, preemptNode } from '../node/preempt.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { inOrderOfLeaving } from './leaving-order.js';
import type { Pool } from './state.js';

/** What came of it: nodes that were made, that wait for room others are leaving, and why there are no more. */
interface Placed {
  made: number;
  waiting: number;
  refusal?: string;
}

/**
 * Makes up to `wanted` nodes of one kind where they fit. Dedicated nodes that do not fit preempt
 * low-priority ones and wait until those are gone; low-priority ones wait behind them, or are refused.
 */
export function makeNodes(
  recorder: Recorder,
  pool: Pool,
  isDedicated: boolean,
  wanted: number,
): Placed {
  const placed: Placed = { made: 0, waiting: 0 };
  if (!isCounted(recorder, pool)) {
    for (; placed.made < wanted; placed.made += 1) createNode(recorder, pool, isDedicated);
    return placed;
  }
  if (wanted === 0) return placed;
  const demand = demandOf(recorder.settings, pool.specification);
  const now = roomsFor(recorder, pool, false);
  const soon = roomsFor(recorder, pool, true);
  const isBehind = !isDedicated && dedicatedWaits(recorder);
  for (let n = 0; n < wanted; n += 1) {
    const room = isBehind ? undefined : choose(now, demand, isSpread(pool));
    if (room !== undefined) {
      const same = soon.find(({ name }) => name === room.name);
      if (same !== undefined) take(same, demand);
      const place = { hypervisor: room.name, hostDevices: take(room, demand) };
      createNode(recorder, pool, isDedicated, place);
      placed.made += 1;
      continue;
    }
    const later = choose(soon, demand, isSpread(pool));
    if (later === undefined && isAwaited(recorder, pool)) {
      placed.waiting += 1;
      continue;
    }
    if (later === undefined && !(isDedicated && preemptFor(recorder, pool, demand, soon))) {
      placed.refusal = refusalOf(recorder, pool, demand, now);
      return placed;
    }
    const freed = later ?? choose(soon, demand, isSpread(pool));
    if (freed !== undefined) take(freed, demand);
    placed.waiting += 1;
  }
  return placed;
}

/** Preempts as few low-priority nodes as make room for one node; false where no number of them does. */
function preemptFor(recorder: Recorder, pool: Pool, demand: Demand, soon: Room[]): boolean {
  let best: { room: Room; victims: Node[] } | undefined;
  for (const room of soon) {
    const victims = victimsOn(recorder, pool, demand, room);
    if (victims !== undefined && (best === undefined || victims.length < best.victims.length))
      best = { room, victims };
  }
  if (best === undefined) return false;
  for (const node of best.victims) {
    release(recorder, best.room, node);
    preemptNode(recorder, node);
  }
  return true;
}

function victimsOn(recorder: Recorder, pool: Pool, demand: Demand, room: Room): Node[] | undefined {
  const there = [...recorder.state.nodes.values()].filter(
    (node) =>
      node.hypervisor === room.name &&
      !node.isDedicated &&
      node.leaving === undefined &&
      node.preempting === undefined &&
      recorder.state.pools.get(node.pool)?.nodeProvider === pool.nodeProvider,
  );
  const trial: Room = { ...room, free: { ...room.free }, devices: [...room.devices] };
  const victims: Node[] = [];
  for (const node of inOrderOfLeaving(recorder, there)) {
    if (fits(trial, demand)) break;
    release(recorder, trial, node);
    victims.push(node);
  }
  return fits(trial, demand) ? victims : undefined;
}

/** The room that a node has becomes free. */
function release(recorder: Recorder, room: Room, node: Node): void {
  const owner = recorder.state.pools.get(node.pool);
  if (owner === undefined) return;
  const host = recorder.settings.hypervisors?.find(({ name }) => name === room.name);
  const devices = (host?.hostDevices ?? []).filter(
    ({ address }) => node.hostDevices?.includes(address) === true,
  );
  giveBack(room, demandOf(recorder.settings, owner.specification), devices);
}

/** Why there is no room, hypervisor by hypervisor, and what would help. */
function refusalOf(recorder: Recorder, pool: Pool, demand: Demand, rooms: readonly Room[]): string {
  const { vmSize } = pool.specification;
  const devices = Object.entries(demand.hostDevices).map(([kind, count]) => `, ${count} ${kind}`);
  const wanted = `${demand.vcpus} vCPUs, ${demand.memoryMiB} MiB, ${demand.diskGiB} GiB of disk${devices.join('')}`;
  const hosts = (recorder.settings.hypervisors ?? []).filter(
    ({ nodeProvider }) => nodeProvider === pool.nodeProvider,
  );
  const found = hosts.map((host) => {
    const room = rooms.find(({ name }) => name === host.name);
    if (room === undefined) return `${host.name}: ${unsuitable(recorder, pool, host) ?? 'none'}`;
    return `${host.name}: ${freeOf(room)}`;
  });
  const advice = rooms.some((room) => couldEverFit(room, demand))
    ? 'Remove other nodes, choose fewer nodes or a smaller vmSize, or add a hypervisor'
    : 'Choose a smaller vmSize, or add a hypervisor that is large enough';
  return `No hypervisor has room for another node of size ${vmSize} (${wanted}). Free are ${found.join('; ')}. ${advice}; \`overCommit\` of a hypervisor gives its capacity away more than once`;
}

const number = (amount: number) => (amount === Infinity ? 'any' : String(Math.max(0, amount)));

const freeOf = ({ free, devices }: Room): string =>
  `${number(free.vcpus)} vCPUs, ${number(free.memoryMiB)} MiB, ${number(free.diskGiB)} GiB of disk` +
  (devices.length === 0 ? '' : `, ${devices.length} devices`);
