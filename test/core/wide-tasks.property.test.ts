import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoreDriver } from '../support/core-driver.js';

/** Too long for nodes to be given tasks in advance. */
const RUN_MS = 60_000;

const shape = fc
  .record({
    nodes: fc.integer({ min: 1, max: 4 }),
    slots: fc.integer({ min: 2, max: 4 }),
    width: fc.integer({ min: 2, max: 4 }),
    nodeFillType: fc.constantFrom('pack', 'spread'),
    /** Jobs of narrow tasks beside the wide one's, as high as it. */
    others: fc.integer({ min: 1, max: 3 }),
  })
  .filter(({ width, slots }) => width <= slots);

describe('a wide task that fits an empty node', () => {
  it('gets one before the nodes have been emptied twice over, whatever else waits', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ nodes, slots, width, nodeFillType, others }) => {
        const driver = await CoreDriver.start();
        await driver.addPool('p', {
          targetDedicatedNodes: nodes,
          taskSlotsPerNode: slots,
          taskSchedulingPolicy: { nodeFillType },
        });
        const narrow = Array.from({ length: 100 }, (_, n) => `n${n}`);
        for (let n = 0; n < others; n += 1) {
          await driver.addJob(`j${n}`);
          await driver.addTasks(`j${n}`, ...narrow.map((id) => `${id}-${n}`));
        }
        const isPlaced = () => driver.held.some(({ taskId }) => taskId === 'wide');
        const endOldest = async () => {
          const oldest = driver.held.reduce((a, b) =>
            order(b.taskKey) < order(a.taskKey) ? b : a,
          );
          await driver.beginTask(oldest.taskId);
          await driver.advance(RUN_MS);
          await driver.endTask(oldest.taskId, { exitCode: 0, startTime: driver.now - RUN_MS });
        };
        const seen = new Map<string, number>();
        const order = (taskKey: string) => seen.get(taskKey) ?? Infinity;
        const look = () => {
          for (const { taskKey } of driver.held)
            if (!seen.has(taskKey)) seen.set(taskKey, seen.size);
        };
        look();
        for (let n = 0; n < 6; n += 1) {
          await endOldest();
          look();
        }
        await driver.addJob('w');
        await driver.addTasks('w', { id: 'wide', requiredSlots: width });
        const bound = 2 * nodes * slots;
        let ended = 0;
        for (; !isPlaced() && ended <= bound; ended += 1) {
          await endOldest();
          look();
        }
        expect(ended).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 40, seed: 8, endOnFailure: true },
    );
  }, 60_000);
});
