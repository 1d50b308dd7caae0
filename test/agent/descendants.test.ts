import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cgroupName } from '../../protocol/agent/enrol.js';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { requirement, suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';
import { waitFor } from '../support/wait-for.js';

const lives = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};
const mount = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '))
    ?.split(' ')[4];
const cgroups = await requirement(
  'cgroup v2',
  () => {
    const top = mount();
    return (top !== undefined && process.getuid?.() === 0) || 'no writable cgroup2 file system';
  },
  'mount -t cgroup2 none /sys/fs/cgroup, as root',
);

/** Leaves its session, its parent and, with `env -i`, every mark that a process inherits. */
const daemon = (how: string) =>
  `sh -c '${how} setsid sh -c "echo \\$\\$ > pid; exec sleep 300" & until [ -s pid ]; do sleep 0.02; done; `;

/** A world without the control groups' file system, as on machines that have none; only root can make one. */
function withoutCgroups(): string[] {
  const place = mount();
  if (place === undefined || process.getuid?.() !== 0) return [];
  return ['unshare', '--mount', '/bin/sh', '-c', 'umount -l "$0" && exec "$@"', place];
}

describe('daemons that a task leaves', () => {
  let agent: StartedAgent;
  let controller: FakeController;
  beforeAll(async () => {
    agent = await StartedAgent.start({ before: withoutCgroups() });
    controller = agent.controller;
    await controller.prepared();
  });
  afterAll(() => agent.stop());
  const pidOf = (taskId: string) => Number(agent.taskText(taskId, 'wd/pid'));

  test.each(['', 'nohup'])('end with it, by themselves in a session (%s)', async (how) => {
    const id = `daemon-${how}`;
    expect(await controller.run(assignment(id, `${daemon(how)}'`))).toMatchObject({ exitCode: 0 });
    await waitFor('the daemon to die', () => !lives(pidOf(id)));
  });

  test('end with it when it is stopped', async () => {
    controller.assign(assignment('stopped', `${daemon('')}sleep 300'`));
    await waitFor(
      'the daemon',
      () => agent.has('workitems/Job/job-1/stopped/wd/pid') && pidOf('stopped') > 0,
    );
    controller.send({ type: 'stop', attempts: [{ taskKey: 'acct/job/stopped', attempt: 1 }] });
    await controller.ended('acct/job/stopped');
    await waitFor('the daemon to die', () => !lives(pidOf('stopped')));
  });

  test('do not end a later try in the same directory', async () => {
    await controller.run(assignment('twice', 'true'));
    const second = await controller.run(assignment('twice', 'sleep 0.8', { attempt: 2 }));
    expect(second).toMatchObject({ exitCode: 0 });
  });
});

suite('the control group of a task', [cgroups], () => {
  let agent: StartedAgent;
  let controller: FakeController;
  let top = '';
  beforeAll(async () => {
    // As nodes start it: what loses its parent becomes a child of the survivor.
    const survivor = fileURLToPath(new URL('../../agent/survivor.pl', import.meta.url));
    const configuration = { taskSlotsPerNode: 2 };
    agent = await StartedAgent.start({ before: ['perl', survivor], configuration });
    controller = agent.controller;
    await controller.prepared();
    top = join(mount() ?? '', cgroupName(agent.root));
  });
  afterAll(() => agent.stop());

  test('ends what has no mark of it left', async () => {
    const started = `sh -c 'sleep 0.1; env -i /usr/bin/setsid /bin/sleep 300 & echo $! > pid; sleep 0.2'`;
    await controller.run(assignment('unmarked', started));
    await waitFor('the process to die', () => !lives(Number(agent.taskText('unmarked', 'wd/pid'))));
  });

  test('ends what left its parent, its session and every mark before there was a group', async () => {
    const kept = 'env -i /usr/bin/setsid /bin/sh -c "echo \\$\\$ > pid; exec sleep 300"';
    const orphaned = (id: string, more: string) =>
      assignment(id, `sh -c '(${kept} &); until [ -s pid ]; do sleep 0.01; done; ${more}'`);
    const pidOf = (id: string) => Number(agent.taskText(id, 'wd/pid'));
    const beside = controller.run(orphaned('beside', 'until [ -e go ]; do sleep 0.05; done'));
    await waitFor('its group', () => {
      const groups = readdirSync(top, { withFileTypes: true }).filter((one) => one.isDirectory());
      return groups.some(
        ({ name }) => readFileSync(join(top, name, 'cgroup.procs'), 'utf8') !== '',
      );
    });
    await controller.run(orphaned('short', ''));
    await controller.run(orphaned('longer', 'sleep 0.3'));
    for (const id of ['short', 'longer'])
      await waitFor(`what ${id} left to die`, () => !lives(pidOf(id)));
    // What runs beside them keeps what it has started until its own end.
    expect(lives(pidOf('beside'))).toBe(true);
    writeFileSync(join(agent.root, 'workitems/Job/job-1/beside/wd/go'), '');
    await beside;
    await waitFor('the rest to die', () => !lives(pidOf('beside')));
  });

  test('counts processor time of processes that nobody waited for', async () => {
    const busy = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo > done';
    const outcome = await controller.run(
      assignment(
        'busy',
        `sh -c 'until grep -q ${cgroupName(agent.root)} /proc/self/cgroup; do sleep 0.02; done; (setsid sh -c "${busy.replaceAll('$', '\\$')}" &); until [ -e done ]; do sleep 0.05; done'`,
      ),
    );
    expect(outcome.userCpuMs).toBeGreaterThan(30);
  });

  test('is gone with the task, and the node’s with its agent', async () => {
    await waitFor('the groups to be empty', async () => {
      await controller.run(assignment(`tidy-${Date.now()}`, 'sleep 0.05'));
      return (
        readdirSync(top, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length <= 1
      );
    });
    agent.child.kill('SIGTERM');
    await agent.exited();
    expect(existsSync(top)).toBe(false);
  });
});
