import { describe, expect, it } from 'vitest';
import { hypervisorList } from '../../controller/commands/hypervisor/overview.js';
import { hypervisorSetMaintenance } from '../../controller/commands/hypervisor/set-maintenance.js';
import type { Hypervisor } from '../../controller/core/settings.js';
import { CoreDriver } from '../support/core-driver.js';

/** Nodes of the driver's pools have 4 vCPUs, 1024 MiB and 10 GiB. */
const host = (name: string, more: Partial<Hypervisor> = {}): Hypervisor => ({
  name,
  nodeProvider: 'process',
  discovered: false,
  capacity: { vcpus: 8 },
  overCommit: { vcpus: 1, memory: 1, disk: 1 },
  labels: {},
  hostDevices: [],
  maintenance: false,
  ...more,
});
const start = (...hypervisors: Hypervisor[]) => CoreDriver.start({ hypervisors });
const places = (driver: CoreDriver) => driver.nodes('p').map(({ hypervisor }) => hypervisor);
const look = async (driver: CoreDriver, name: string) => {
  const found = (await driver.do(hypervisorList())).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no hypervisor ${name}`);
  return found;
};
const set = (driver: CoreDriver, name: string, maintenance: boolean) =>
  driver.do(hypervisorSetMaintenance(name, maintenance));

describe('maintenance of a hypervisor that is switched on while the controller runs', () => {
  it('lets tasks end, makes other nodes elsewhere meanwhile, and lasts over a restart', async () => {
    const driver = await start(host('a'), host('b', { capacity: { vcpus: 4 } }));
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const [first = 'none'] = places(driver);
    const other = first === 'a' ? 'b' : 'a';
    await driver.addJob('j');
    await driver.addTasks('j', 't');
    await driver.beginTask('t');
    expect(await set(driver, first, true)).toMatchObject({ state: 'maintenance' });
    await driver.advance(1_000);
    expect(places(driver).sort()).toEqual(['a', 'b']);
    expect(driver.task('j', 't')).toMatchObject({ state: 'running', attempt: 1 });
    await driver.endTask('t');
    await driver.advance(1_000);
    expect(places(driver)).toEqual([other]);
    await driver.restart();
    expect(await look(driver, first)).toMatchObject({ state: 'maintenance', dedicatedNodes: 0 });
    expect(await look(driver, other)).toMatchObject({ state: 'available', dedicatedNodes: 1 });
  });

  it('is over when it is switched off, and nodes are placed there again', async () => {
    const driver = await start(host('a'));
    await set(driver, 'a', true);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    expect(driver.pool('p')?.resizeErrors[0]?.values[0]?.value).toMatch(/a: it is in maintenance/);
    await set(driver, 'a', false);
    await driver.addPool('q', { targetDedicatedNodes: 1 });
    expect(driver.nodes('q')).toMatchObject([{ hypervisor: 'a', state: 'idle' }]);
    expect(driver.store.all('hypervisor')).toEqual([]);
  });

  it('outweighs the configuration, until it says the same', async () => {
    const driver = await start(host('a', { maintenance: true }));
    expect(await look(driver, 'a')).toMatchObject({ maintenance: true });
    await set(driver, 'a', false);
    await driver.restart();
    expect(await look(driver, 'a')).toMatchObject({ maintenance: false, state: 'available' });
    await set(driver, 'a', true);
    expect(driver.store.all('hypervisor')).toEqual([]);
    expect(await set(driver, 'none', true)).toBeUndefined();
  });

  it('takes dedicated nodes before others where room is short elsewhere', async () => {
    const driver = await start(host('a', { capacity: { vcpus: 4 } }), host('b', { capacity: {} }));
    await set(driver, 'b', true);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    await driver.addPool('l', { targetLowPriorityNodes: 1 });
    expect(driver.nodes('l')).toEqual([]);
    expect(driver.pool('l')?.resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    expect(places(driver)).toEqual(['a']);
  });
});

describe('the overview of hypervisors', () => {
  it('tells capacity, use, devices and nodes of each, and why one does not answer', async () => {
    const gpu = { kind: 'gpu', address: '0000:3b:00.0' };
    const driver = await start(
      host('a', { labels: { rack: '1' }, overCommit: { vcpus: 2, memory: 1, disk: 1 } }),
      host('b', { discovered: true, hostDevices: [gpu], networks: ['lab'] }),
    );
    await driver.addPool('p', { targetDedicatedNodes: 1, targetLowPriorityNodes: 2 });
    expect(await look(driver, 'a')).toMatchObject({
      state: 'available',
      capacity: { vcpus: 16, memoryMiB: Infinity, diskGiB: Infinity },
      used: { vcpus: 12, memoryMiB: 3072, diskGiB: 30 },
      dedicatedNodes: 1,
      lowPriorityNodes: 2,
      labels: { rack: '1' },
    });
    expect(await look(driver, 'b')).toMatchObject({
      ...{ state: 'unknown', dedicatedNodes: 0, networks: ['lab'], hostDevices: [gpu] },
    });
    const away = { hypervisor: 'b', reachable: false, reason: 'no route' };
    driver.engine.report({ type: 'hypervisorSeen', ...away });
    await driver.rest();
    expect(await look(driver, 'b')).toMatchObject({ state: 'unreachable', reason: 'no route' });
  });
});
