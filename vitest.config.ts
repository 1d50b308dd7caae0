import { defineConfig } from 'vitest/config';

/** One project a folder of test/: what each word means is said in test/README.md. */
const project = (name: string, settings: Record<string, unknown> = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    ...settings,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('core', { setupFiles: ['test/support/no-clock.ts'] }),
      project('house'),
      project('simulation', { testTimeout: 300_000 }),
      project('contract', { testTimeout: 60_000 }),
      project('conformance', { globalSetup: ['test/support/build-once.ts'], testTimeout: 60_000 }),
      project('clients', {
        globalSetup: ['test/support/build-once.ts'],
        testTimeout: 180_000,
        hookTimeout: 120_000,
      }),
      project('agent', { globalSetup: ['test/support/build-once.ts'], testTimeout: 60_000 }),
      project('crash', { globalSetup: ['test/support/build-once.ts'], testTimeout: 600_000 }),
      project('provider', { globalSetup: ['test/support/build-once.ts'], testTimeout: 300_000 }),
      project('vm', { globalSetup: ['test/support/build-once.ts'], testTimeout: 300_000 }),
    ],
  },
});
