import { choose, take } from '../hypervisor/place.js';
import { demandOf, isCounted, isSpread, roomsFor } from '../hypervisor/rooms.js';
import { roomChanged } from '../hypervisor/seen.js';
import type { Pool } from '../pool/state.js';
import { beginResize } from '../pool/transition.js';
import type { Recorder } from '../recorder.js';
import { relist } from '../task/hold.js';
import { dealWithTasks } from './drain.js';
import { placeNode } from './place.js';
import type { Node } from './state.js';
import { moveNode, nextIncarnation } from './transition.js';

/** Its room is wanted for a dedicated node: its tasks are requeued, then its provider takes it away. */
export function preemptNode(recorder: Recorder, node: Node): void {
  node.preempting = { since: recorder.now };
  delete node.draining;
  // One that was lost is not made again where it gives way.
  delete node.session.retryAt;
  recorder.changed('node', node);
  moveNode(recorder, node, 'preempted');
  relist(recorder.state, node);
  dealWithTasks(recorder, node, 'requeue');
  recorder.state.toSettle.nodes.add(node.key);
}

/** Its provider has nothing of it any more: it has given up its room, and keeps its name. */
export function nodePreempted(recorder: Recorder, node: Node): void {
  if (node.preempting === undefined) return;
  delete node.preempting;
  delete node.hypervisor;
  delete node.hostDevices;
  delete node.ipAddress;
  delete node.session.id;
  delete node.session.retryAt;
  recorder.state.preempted.add(node);
  recorder.changed('node', node);
  roomChanged(recorder);
}

/** Nodes of the pool that gave up their room and would find some now, none while dedicated nodes wait for it. */
export function bringBack(recorder: Recorder, pool: Pool): void {
  const { state } = recorder;
  if (state.preempted.size === 0 || dedicatedWaits(recorder)) return;
  const away = [...state.preempted].filter(
    (node) => node.pool === pool.key && node.leaving === undefined,
  );
  if (away.length === 0) return;
  const rooms = roomsFor(recorder, pool, false);
  const demand = demandOf(recorder.settings, pool.specification);
  const timeoutMs = pool.resize.timeoutMs;
  for (const node of away) {
    const room = choose(rooms, demand, isSpread(pool));
    if (room === undefined) return;
    // Azure's recovery is a resize too.
    if (pool.allocationState === 'steady') beginResize(recorder, pool, timeoutMs, 'requeue');
    state.preempted.delete(node);
    placeNode(node, room.name, take(room, demand));
    nextIncarnation(recorder, node);
    moveNode(recorder, node, 'creating');
  }
}

export const dedicatedWaits = ({ state }: Recorder): boolean =>
  [...state.waitingForRoom.values()].includes(true);

/** One whose hypervisor the configuration no longer names goes where there is room, if there is. */
export function moveFromGoneHypervisor(recorder: Recorder, node: Node): void {
  const { settings, state } = recorder;
  const { hypervisors = [] } = settings;
  const pool = state.pools.get(node.pool);
  if (pool === undefined || hypervisors.some(({ name }) => name === node.hypervisor)) return;
  if (!isCounted(recorder, pool)) {
    delete node.hypervisor;
    delete node.hostDevices;
    return;
  }
  const demand = demandOf(settings, pool.specification);
  const room = choose(roomsFor(recorder, pool, false), demand, isSpread(pool));
  if (room !== undefined) placeNode(node, room.name, take(room, demand));
}
