import { describe, expect, it } from 'vitest';
import { choose, take, type Demand, type Room } from '../../controller/core/hypervisor/place.js';

const room = (name: string, vcpus: number, more: Partial<Room> = {}): Room => ({
  name,
  total: { vcpus: 16, memoryMiB: 16_384, diskGiB: Infinity },
  free: { vcpus, memoryMiB: 16_384, diskGiB: Infinity },
  devices: [],
  nodes: 0,
  ofPool: 0,
  ...more,
});
const demand = (vcpus: number, hostDevices: Demand['hostDevices'] = {}): Demand => ({
  vcpus,
  memoryMiB: 1024,
  diskGiB: 10,
  hostDevices,
});
const nameOf = (found: Room | undefined) => found?.name;

describe('the placement of a node', () => {
  it('takes the hypervisor that has the least left, so that large nodes find room later', () => {
    const rooms = [room('empty', 16), room('tight', 4), room('half', 8)];
    expect(nameOf(choose(rooms, demand(4), false))).toBe('tight');
    expect(nameOf(choose(rooms, demand(5), false))).toBe('half');
    expect(nameOf(choose(rooms, demand(16), false))).toBe('empty');
  });

  it('finds none where any one thing is too little', () => {
    const full = { vcpus: 16, memoryMiB: 1023, diskGiB: Infinity };
    expect(choose([room('a', 3), room('b', 16, { free: full })], demand(4), false)).toBeUndefined();
  });

  it('spreads a pool by its own nodes, however full a hypervisor is', () => {
    const rooms = [room('a', 4, { ofPool: 2 }), room('b', 16, { ofPool: 1 })];
    expect(nameOf(choose(rooms, demand(1), true))).toBe('b');
    expect(nameOf(choose(rooms, demand(1), false))).toBe('a');
  });

  it('does not depend on the order of hypervisors where they are equal', () => {
    expect(nameOf(choose([room('b', 4), room('a', 4)], demand(1), false))).toBe('a');
    expect(nameOf(choose([room('a', 4), room('b', 4)], demand(1), false))).toBe('a');
  });

  it('takes the emptier where nothing is counted', () => {
    const endless = { vcpus: Infinity, memoryMiB: Infinity, diskGiB: Infinity };
    const rooms = [
      room('a', 0, { total: endless, free: { ...endless }, nodes: 2 }),
      room('b', 0, { total: endless, free: { ...endless }, nodes: 1 }),
    ];
    expect(nameOf(choose(rooms, demand(64), false))).toBe('b');
  });

  it('gives each device to one node, and keeps those with devices for who asks for them', () => {
    const gpus = [
      { kind: 'gpu', address: '0000:3b:00.0' },
      { kind: 'gpu', address: '0000:af:00.0' },
    ];
    const rooms = [room('gpus', 4, { devices: gpus }), room('plain', 16)];
    expect(nameOf(choose(rooms, demand(1), false))).toBe('plain');
    const taken = [0, 1].map(() => {
      const found = choose(rooms, demand(1, { gpu: 1 }), false);
      return found === undefined ? [] : take(found, demand(1, { gpu: 1 }));
    });
    expect(taken).toEqual([['0000:3b:00.0'], ['0000:af:00.0']]);
    expect(choose(rooms, demand(1, { gpu: 1 }), false)).toBeUndefined();
  });
});
