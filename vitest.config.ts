import { defineConfig } from 'vitest/config';

/**
 * One project a folder of test/: what each word means is said in test/README.md. Groups run one after the
 * other, so that guests and processes that are killed have the machine to themselves; what mostly waits for
 * other processes runs two files at a time.
 */
const project = (name: string, group: number, settings: Record<string, unknown> = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    sequence: { groupOrder: group },
    ...settings,
  },
});
/** Suites that start the built programs. */
const real = { globalSetup: ['test/support/build-once.ts'], hookTimeout: 120_000 };
const paired = { maxWorkers: 2 };

export default defineConfig({
  test: {
    projects: [
      project('core', 0, { setupFiles: ['test/support/no-clock.ts'] }),
      project('house', 0),
      project('contract', 0, { ...real, testTimeout: 60_000 }),
      project('agent', 1, { ...real, ...paired, testTimeout: 60_000 }),
      project('conformance', 1, { ...real, ...paired, testTimeout: 60_000 }),
      project('fuzz', 2, { ...real, ...paired, testTimeout: 300_000 }),
      project('clients', 2, { ...real, ...paired, testTimeout: 180_000 }),
      project('provider', 2, { ...real, ...paired, testTimeout: 300_000 }),
      project('simulation', 3, { ...paired, testTimeout: 300_000 }),
      project('crash', 4, { ...real, testTimeout: 600_000 }),
      project('vm', 5, { ...real, testTimeout: 300_000, hookTimeout: 300_000 }),
    ],
  },
});
