import { chmodSync, copyFileSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { rootRequirement, suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';
import { tempDirectory } from '../support/temp-dir.js';

/** Debian's `nobody`, who owns nothing. */
const NOBODY = 65534;
const root = await rootRequirement();

suite('an agent that is not root', [root], () => {
  const copy = tempDirectory('agent-of-nobody');
  let agent: StartedAgent;
  let controller: FakeController;

  beforeAll(async () => {
    // The user may pass no folder of whoever runs the tests.
    const program = join(copy.path, 'agent.mjs');
    copyFileSync(fileURLToPath(new URL('../../dist/agent.mjs', import.meta.url)), program);
    chmodSync(copy.path, 0o755);
    const userAccounts = [{ name: 'jane', password: 'p', elevationLevel: 'admin' as const }];
    mkdirSync(join(copy.path, 'closed'), { mode: 0o700 });
    const environment = { PATH: `${copy.path}/closed:/usr/bin:/bin` };
    agent = await StartedAgent.start({
      uid: NOBODY,
      program,
      environment,
      configuration: { userAccounts },
    });
    controller = agent.controller;
    await controller.prepared();
  });
  afterAll(async () => {
    await agent.stop();
    copy.remove();
  });

  test('says so on its node', () => {
    expect(controller.hellos[0]?.remarks.join()).toContain('not root: tasks run as user nobody');
  });

  test('runs everything as its own user, whatever identity a task has', async () => {
    const identities = {
      none: {},
      alone: { userIdentity: { autoUser: { scope: 'task', elevationLevel: 'nonadmin' } } },
      elevated: { userIdentity: { autoUser: { scope: 'pool', elevationLevel: 'admin' } } },
      named: { userIdentity: { username: 'jane' } },
    } as const;
    for (const [name, identity] of Object.entries(identities)) {
      const task = assignment(name, `sh -c 'id -u; exit 3'`, identity);
      expect(await controller.run(task)).toMatchObject({ exitCode: 3 });
      expect(agent.taskText(name).split('\n')[0]).toBe(String(NOBODY));
      expect(statSync(join(agent.root, 'workitems/Job/job-1', name, 'wd')).uid).toBe(NOBODY);
    }
    const unknown = assignment('unknown', 'true', { userIdentity: { username: 'joe' } });
    expect((await controller.run(unknown)).failure?.code).toBe('CommandLaunchFailed');
  });

  test('keeps what it knows from everybody else', () => {
    for (const file of ['', 'volatile/agent', 'volatile/agent/state.json'])
      expect(statSync(join(agent.root, file)).mode & 0o007, file).toBe(0);
  });
});
