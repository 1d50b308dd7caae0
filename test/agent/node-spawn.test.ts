import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { StartedAgent } from '../support/start-agent.js';
import { tempDirectory } from '../support/temp-dir.js';

// A copy of the bundle that has no packages beside it: koffi can't be loaded.
const alone = tempDirectory('agent-alone');
let agent: StartedAgent;
let controller: FakeController;

beforeAll(async () => {
  const program = join(alone.path, 'agent.mjs');
  copyFileSync(fileURLToPath(new URL('../../dist/agent.mjs', import.meta.url)), program);
  agent = await StartedAgent.start({ program });
  controller = agent.controller;
  await controller.prepared();
});
afterAll(async () => {
  await agent.stop();
  alone.remove();
});

test('an agent without koffi says so and starts processes all the same', async () => {
  expect(controller.hellos[0]?.remarks.join()).toContain("posix_spawn can't be called");
  expect(await controller.run(assignment('out', `sh -c "pwd; exit 3"`))).toMatchObject({
    exitCode: 3,
  });
  expect(agent.taskText('out')).toBe(`${agent.root}/workitems/Job/job-1/out/wd\n`);
  expect(await controller.run(assignment('signal', `sh -c 'kill -9 $$'`))).toMatchObject({
    exitCode: -9,
  });
});

test.each([
  ['missing', '/no/such/program', 'CommandProgramNotFound'],
  ['not-executable', '/etc/hostname', 'CommandLaunchFailed'],
])(
  'a program that can’t be started (%s) is named as with posix_spawn',
  async (name, commandLine, code) => {
    expect(await controller.run(assignment(name, commandLine))).toMatchObject({
      preProcessing: true,
      failure: { code },
    });
  },
);
