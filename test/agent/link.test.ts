import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { assignment } from '../support/fake-controller.js';
import { StartedAgent } from '../support/start-agent.js';
import { waitFor } from '../support/wait-for.js';

let agent: StartedAgent | undefined;
async function start(
  options: Parameters<typeof StartedAgent.start>[0] = {},
): Promise<StartedAgent> {
  agent = await StartedAgent.start(options);
  await agent.controller.prepared();
  return agent;
}
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

const alive = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

test('a lease that is not renewed kills the tasks before its end, and nothing starts without one', async () => {
  const { controller, ...rest } = await start({ leaseMs: 1_500, heartbeatIntervalMs: 200 });
  expect(rest).toBeDefined();
  controller.assign(assignment('long', 'sleep 300'));
  await controller.started('acct/job/long');
  const granted = Date.now();
  controller.grantsLeases = false;
  const { outcome } = await controller.ended('acct/job/long');
  expect(outcome).toMatchObject({ stopped: true, exitCode: -15 });
  expect(outcome.endTime - granted).toBeLessThan(1_500);
  // An agent whose heartbeats stay unanswered drops its link; what is sent on the old one is lost.
  await controller.linkedAnew();
  controller.assign(assignment('later', 'true'));
  await waitFor(
    'the unstarted try to come back',
    () => controller.eventsOf('attemptReturned').length > 0,
  );
  expect(controller.eventsOf('attemptStarted').map(({ taskKey }) => taskKey)).not.toContain(
    'acct/job/later',
  );
  controller.grantsLeases = true;
  await controller.leased();
  expect(await controller.run(assignment('renewed', 'true'))).toMatchObject({ exitCode: 0 });
});

test('a lost link leaves tasks running; what ended meanwhile is told once the link is back', async () => {
  const { controller } = await start();
  controller.assign(assignment('over', `sh -c "sleep 0.4; exit 7"`));
  await controller.started('acct/job/over');
  controller.acceptsLinks = false;
  controller.cutLink();
  await waitFor('the task to end', () => agent?.has('workitems/Job/job-1/over/wd'));
  setTimeout(() => (controller.acceptsLinks = true), 700);
  expect((await controller.ended('acct/job/over')).outcome).toMatchObject({ exitCode: 7 });
  expect(controller.hellos.at(-1)).toMatchObject({
    configured: true,
    held: [{ taskKey: 'acct/job/over', attempt: 1 }],
  });
});

test('events that were never acknowledged come again with their numbers', async () => {
  const { controller } = await start();
  controller.acknowledges = false;
  await controller.run(assignment('unsure', 'true'));
  const first = controller.received.filter(({ event }) => event.type === 'attemptEnded');
  controller.cutLink();
  await waitFor(
    'the event to come again',
    () => controller.received.filter(({ event }) => event.type === 'attemptEnded').length > 1,
  );
  const all = controller.received.filter(({ event }) => event.type === 'attemptEnded');
  expect(all).toEqual([...first, ...first]);
});

test('an enrolment that is refused ends the agent with a clear line', async () => {
  agent = await StartedAgent.start({ enrolStatus: 403 });
  expect(await agent.exited()).toBe(1);
  expect(agent.log).toContain('the controller refused the enrolment for good (status 403)');
});

test('an enrolment that fails for a while is tried again with the same secret', async () => {
  agent = await StartedAgent.start({ enrolStatus: 503 });
  const { controller } = agent;
  await waitFor('three tries', () => controller.enrolments.length >= 3);
  controller.enrolStatus = 200;
  await controller.prepared();
  expect(new Set(controller.enrolments.map(({ secret }) => secret)).size).toBe(1);
});

test('SIGTERM ends the agent and its tasks, which it still reports as stopped', async () => {
  const { controller, child } = await start();
  controller.assign(assignment('long', `sh -c 'echo $$; exec sleep 300'`));
  const pid = await waitFor('the task to run', () =>
    agent?.has('workitems/Job/job-1/long/stdout.txt') ? Number(agent.taskText('long')) : undefined,
  );
  child.kill('SIGTERM');
  expect(await agent?.exited()).toBe(0);
  expect(alive(pid)).toBe(false);
  expect((await controller.ended('acct/job/long')).outcome).toMatchObject({ stopped: true });
});

test('tasks of an agent that died are killed by the next one of the node', async () => {
  const first = await start();
  first.controller.assign(assignment('orphan', `sh -c 'echo $$; exec sleep 300'`));
  const pid = await waitFor('the task to run', () =>
    first.has('workitems/Job/job-1/orphan/stdout.txt')
      ? Number(first.taskText('orphan'))
      : undefined,
  );
  first.child.kill('SIGKILL');
  await first.exited();
  expect(alive(pid)).toBe(true);
  await first.restart();
  await waitFor('the orphan to die', () => !alive(pid));
  await waitFor('a second hello', () => first.controller.hellos.length === 2);
  expect(await first.controller.run(assignment('next', 'true'))).toMatchObject({ exitCode: 0 });
  expect(first.controller.enrolments).toHaveLength(1);
});
