import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { poolStopResize } from '../../controller/commands/pool/stop-resize.js';
import { BatchError } from '../../protocol/batch/errors.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { ACCOUNT as account, CoreDriver } from '../support/core-driver.js';
import { host } from '../support/hypervisors.js';

const MINUTE = 60_000;
const SIZES = { small: 4, large: 8 } as const;
const POOLS = { p: 'small', q: 'small', r: 'large' } as const;
type PoolId = keyof typeof POOLS;

const HOSTS = [host('a', 8), host('b', 12)];

type Step =
  | { do: 'resize'; poolId: PoolId; dedicated: number; low: number }
  | { do: 'stop'; poolId: PoolId }
  | { do: 'vanish'; nth: number }
  | { do: 'hypervisor'; name: string; reachable: boolean }
  | { do: 'provider'; provides: boolean }
  | { do: 'restart' }
  | { do: 'wait'; ms: number };

const poolId = fc.constantFrom<PoolId>('p', 'q', 'r');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      poolId,
      dedicated: fc.nat(3),
      low: fc.nat(4),
    }),
  },
  fc.record({ do: fc.constant('stop' as const), poolId }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('vanish' as const), nth: fc.nat(8) }) },
  fc.record({
    do: fc.constant('hypervisor' as const),
    name: fc.constantFrom('a', 'b'),
    reachable: fc.boolean(),
  }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('provider' as const), provides: fc.boolean() }),
  },
  fc.record({ do: fc.constant('restart' as const) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 1_000, 70_000, 20 * MINUTE),
    }),
  },
);

/** What a refusal by the contract may keep from happening here. */
const tolerant = async (work: Promise<unknown>) => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
  }
};

const allNodes = (driver: CoreDriver) => Object.keys(POOLS).flatMap((id) => driver.nodes(id));

async function take(driver: CoreDriver, one: Step): Promise<void> {
  if (one.do === 'resize') {
    const { dedicated, low } = one;
    const body = PoolResize.parse({
      targetDedicatedNodes: dedicated,
      targetLowPriorityNodes: low,
      resizeTimeout: 'PT5M',
    });
    await tolerant(driver.do(poolResize({ account, poolId: one.poolId, body })));
  } else if (one.do === 'stop')
    await tolerant(driver.do(poolStopResize({ account, poolId: one.poolId })));
  else if (one.do === 'vanish') {
    const { boots } = driver;
    const nodeKey = [...boots.keys()][one.nth];
    const incarnation = nodeKey === undefined ? undefined : boots.get(nodeKey)?.incarnation;
    if (nodeKey === undefined || incarnation === undefined) return;
    boots.delete(nodeKey);
    driver.engine.report({ type: 'nodeGone', nodeKey, incarnation });
    await driver.rest();
  } else if (one.do === 'hypervisor') await see(driver, one.name, one.reachable);
  else if (one.do === 'provider') driver.provides = one.provides;
  else if (one.do === 'restart') await driver.restart();
  else await driver.advance(one.ms);
}

async function see(driver: CoreDriver, hypervisor: string, reachable: boolean): Promise<void> {
  driver.engine.report({ type: 'hypervisorSeen', hypervisor, reachable });
  await driver.rest();
}

const states = (driver: CoreDriver, pool: string) => driver.nodes(pool).map(({ state }) => state);

/** All nodes with how often each was made. */
const picture = (driver: CoreDriver) =>
  allNodes(driver)
    .map((node) => `${node.key};${node.incarnation} ${node.state} on ${node.hypervisor ?? '-'}`)
    .sort();

/** vCPUs that are free on the hypervisor with the most of them. */
function mostFree(driver: CoreDriver): number {
  const free = HOSTS.map(({ name, capacity }) => {
    const used = Object.entries(POOLS).flatMap(([id, size]) =>
      driver.nodes(id).map((node) => (node.hypervisor === name ? SIZES[size] : 0)),
    );
    return (capacity.vcpus ?? 0) - used.reduce((sum: number, one) => sum + one, 0);
  });
  return Math.max(...free);
}

describe('dedicated and low-priority nodes that compete for room', () => {
  it('come to rest, whatever happened: no node is made, preempted and made again for ever', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }),
        async (steps) => {
          const driver = await CoreDriver.start({
            hypervisors: HOSTS,
            vmSizes: Object.entries(SIZES).map(([name, vcpus]) => ({
              name,
              vcpus,
              memoryMiB: 1024,
              diskGiB: 10,
            })),
          });
          for (const [id, vmSize] of Object.entries(POOLS)) await driver.addPool(id, { vmSize });
          for (const one of steps) await take(driver, one);
          driver.provides = true;
          for (const { name } of HOSTS) await see(driver, name, true);
          await driver.restart();
          await driver.advance(60 * MINUTE);
          const before = picture(driver);
          await driver.advance(60 * MINUTE);
          expect(picture(driver)).toEqual(before);
          for (const id of Object.keys(POOLS))
            expect(driver.pool(id)?.allocationState).toBe('steady');
          for (const node of allNodes(driver)) expect(['idle', 'preempted']).toContain(node.state);
          const away = Object.entries(POOLS).filter(([id]) =>
            driver.nodes(id).some(({ state }) => state === 'preempted'),
          );
          for (const [, size] of away) expect(mostFree(driver)).toBeLessThan(SIZES[size]);
        },
      ),
      { numRuns: 35, seed: 8, endOnFailure: true },
    );
  }, 60_000);

  it('a lost low-priority node gives way all the same: it is not made again while it still goes', async () => {
    const driver = await CoreDriver.start({ hypervisors: [host('a', 4)] });
    await driver.addPool('p', { targetLowPriorityNodes: 1 });
    const [node] = driver.nodes('p');
    if (node === undefined) throw new Error('no node');
    driver.boots.delete(node.key);
    driver.engine.report({ type: 'nodeGone', nodeKey: node.key, incarnation: node.incarnation });
    await driver.rest();
    expect(states(driver, 'p')).toEqual(['unknown']);
    driver.provides = false;
    await driver.addPool('d', { targetDedicatedNodes: 1 });
    // Longer than the pause after which a lost node is made again.
    await driver.advance(2 * 60_000);
    expect(states(driver, 'p')).toEqual(['preempted']);
    expect(driver.nodes('p')[0]?.incarnation).toBe(1);
    driver.provides = true;
    await driver.restart();
    await driver.advance(60 * 60_000);
    expect(states(driver, 'd')).toEqual(['idle']);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'preempted', incarnation: 1 });
  });

  it('a resize that is stopped sleeps until the provider has taken away what leaves, however long that takes', async () => {
    const driver = await CoreDriver.start({ hypervisors: [host('a', 8)] });
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    driver.provides = false;
    await driver.do(
      poolResize({ account, poolId: 'p', body: PoolResize.parse({ targetDedicatedNodes: 1 }) }),
    );
    await driver.advance(10);
    await driver.do(poolStopResize({ account, poolId: 'p' }));
    await driver.advance(14 * 60_000);
    driver.silent = true;
    for (const minutes of [2, 4]) {
      await driver.advance(minutes * 60_000);
      expect(driver.pool('p')?.allocationState).toBe('stopping');
      expect((driver.state?.deadlines.next() ?? 0) - driver.now).toBeGreaterThan(1);
    }
    driver.provides = true;
    await driver.restart();
    await driver.advance(1_000);
    expect(driver.pool('p')?.allocationState).toBe('steady');
  });
});
