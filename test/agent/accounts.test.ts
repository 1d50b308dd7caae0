import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentRequest } from '../../protocol/agent/request.js';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { rootRequirement, suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const FIRST = 0x7fd0_0000;
const root = await rootRequirement();
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
});

/** The agent sees copies of /etc and /home in a mount namespace of its own: this machine gets no account. */
suite('an agent whose machine is its node’s own', [root], () => {
  const folder = tempDirectory('accounts');
  const etc = join(folder.path, 'etc');
  const home = join(folder.path, 'home');
  const before = readFileSync('/etc/passwd', 'utf8');
  let agent: StartedAgent;
  let controller: FakeController;
  const run = (taskId: string, script: string, userIdentity?: object) =>
    controller.run(
      assignment(taskId, `sh -c '${script}'`, { ...(userIdentity && { userIdentity }) }),
    );
  const line = (file: string, name: string) =>
    readFileSync(join(etc, file), 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${name}:`));
  const put = (name: string, more: Partial<Extract<AgentRequest, { type: 'putUser' }>> = {}) =>
    controller.ask({
      type: 'putUser',
      name,
      isAdmin: false,
      expiryTime: Date.now() + 3_600_000,
      ...more,
    });

  beforeAll(async () => {
    execFileSync('cp', ['-a', '/etc', etc]);
    mkdirSync(home);
    const world = `mount --bind ${etc} /etc && mount --bind ${home} /home && exec "$@"`;
    agent = await StartedAgent.start({
      before: ['unshare', '--mount', '--uts', '--', 'sh', '-c', world, 'sh'],
      seed: {
        taskUsers: { kind: 'accounts', first: FIRST, count: 2_048 },
        hostName: 'tvmps-0123456789abcdef',
      },
      configuration: {
        userAccounts: [
          {
            name: 'jane',
            password: 'Jane:1',
            elevationLevel: 'nonadmin',
            uid: 4321,
            gid: 4322,
            sshPrivateKey: privateKey,
          },
          { name: 'boss', password: 'Boss-1', elevationLevel: 'admin' },
          // A group of the system, which may read the raw disks of the machine.
          { name: 'disk', password: 'Disk-1', elevationLevel: 'nonadmin' },
        ],
      },
    });
    controller = agent.controller;
    await controller.prepared();
  });
  afterAll(async () => {
    await agent.stop();
    folder.remove();
    expect(readFileSync('/etc/passwd', 'utf8')).toBe(before);
  });

  test('gives the machine the name of the node', async () => {
    await run('name', 'uname -n; getent hosts $(uname -n) | wc -l');
    expect(agent.taskText('name')).toBe('tvmps-0123456789abcdef\n1\n');
    expect(readFileSync(join(etc, 'hosts'), 'utf8')).toMatch(
      /^[\d.]+ tvmps-0123456789abcdef # this node$/m,
    );
  });

  test('runs tasks as accounts with names and homes', async () => {
    await run('plain', 'id -un; id -Gn; cd; pwd; touch here; ls -A $HOME | grep here');
    expect(agent.taskText('plain').split('\n')).toEqual([
      '_azbatch',
      '_azbatch _azbatchgrp _azbatchtask',
      '/home/_azbatch',
      'here',
      '',
    ]);
    // Others of the pool log in as this account, for the programs that a task starts on several nodes.
    expect(line('group', '_azbatchgrp')).toMatch(/[:,]jane\b/);
    await run('jane', 'id -u; id -g; id -un; echo $HOME', { username: 'jane' });
    expect(agent.taskText('jane')).toBe('4321\n4322\njane\n/home/jane\n');
    await run('root', 'id -u', { autoUser: { scope: 'pool', elevationLevel: 'admin' } });
    expect(agent.taskText('root')).toBe('0\n');
  });

  test('gives named accounts their password, key pair and sudo', async () => {
    expect(line('shadow', 'jane')).toMatch(/^jane:\$/);
    const ssh = join(home, 'jane/.ssh');
    const publicKey = execFileSync('ssh-keygen', ['-y', '-f', join(ssh, 'id_rsa')], {
      encoding: 'utf8',
    });
    for (const file of ['id_rsa.pub', 'authorized_keys']) {
      expect(readFileSync(join(ssh, file), 'utf8')).toBe(`${publicKey.trim()} jane\n`);
      expect(statSync(join(ssh, file))).toMatchObject({ uid: 4321, gid: 4322 });
    }
    expect(statSync(join(ssh, 'id_rsa')).mode & 0o777).toBe(0o600);
    const boss = line('passwd', 'boss')?.split(':')[2];
    expect(
      readdirSync(join(etc, 'sudoers.d')).filter((name) => name.startsWith('batchyard-')),
    ).toEqual([`batchyard-${boss}`]);
    expect(readFileSync(join(etc, 'sudoers.d', `batchyard-${boss}`), 'utf8')).toContain('NOPASSWD');
  });

  test('makes an account for a task of scope task, and removes it with the task', async () => {
    await run('alone', 'id -un; echo $HOME', {
      autoUser: { scope: 'task', elevationLevel: 'nonadmin' },
    });
    const [name = '', where] = agent.taskText('alone').split('\n');
    expect(name).toBe(`_azbatch${FIRST + 128}`);
    expect(where).toBe(join(agent.root, 'workitems/Job/job-1/alone/wd'));
    await waitFor('the account to go', () => line('passwd', name) === undefined);
  });

  test('makes, changes and removes users for people', async () => {
    const sshPublicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me';
    expect((await put('ann', { isAdmin: true, password: 'A:nn', sshPublicKey })).response).toEqual({
      type: 'userDone',
    });
    const uid = Number(line('passwd', 'ann')?.split(':')[2]);
    expect(line('shadow', 'ann')).toMatch(/^ann:\$/);
    expect(Number(line('shadow', 'ann')?.split(':')[7])).toBeGreaterThan(Date.now() / 86_400_000);
    expect(line('group', '_azbatchremote')).toMatch(/:ann$/);
    expect(line('group', '_azbatchgrp')).toMatch(/[:,]ann$/);
    const keys = join(home, 'ann/.ssh/authorized_keys');
    expect(readFileSync(keys, 'utf8')).toBe(`${sshPublicKey}\n`);
    expect(statSync(keys)).toMatchObject({ uid });
    expect(statSync(keys).mode & 0o777).toBe(0o600);
    expect(existsSync(join(etc, `sudoers.d/batchyard-${uid}`))).toBe(true);

    // An update replaces everything: no password fits any more, and no key.
    await put('ann');
    expect(line('shadow', 'ann')).toMatch(/^ann:\*/);
    expect(readFileSync(keys, 'utf8')).toBe('');

    expect((await controller.ask({ type: 'removeUser', name: 'ann' })).response).toEqual({
      type: 'userDone',
    });
    expect(line('passwd', 'ann')).toBeUndefined();
    expect(existsSync(join(home, 'ann'))).toBe(false);
    expect(existsSync(join(etc, `sudoers.d/batchyard-${uid}`))).toBe(false);
    expect((await controller.ask({ type: 'removeUser', name: 'ann' })).response).toEqual({
      type: 'userDone',
    });
  });

  test('makes users with the name of a group of the system, and keeps them out of that group', async () => {
    const numberOf = (name: string) => line('group', name)?.split(':')[2];
    await run('disk', 'id -un; id -G', { username: 'disk' });
    const [name, groups = ''] = agent.taskText('disk').split('\n');
    expect(name).toBe('disk');
    expect(groups.split(' ')).not.toContain(numberOf('disk'));

    for (const round of [1, 2]) {
      expect((await put('operator')).response, String(round)).toEqual({ type: 'userDone' });
      const [, , , gid] = line('passwd', 'operator')?.split(':') ?? [];
      expect(gid).not.toBe(numberOf('operator'));
      await controller.ask({ type: 'removeUser', name: 'operator' });
      expect(line('passwd', 'operator')).toBeUndefined();
      expect(readFileSync(join(etc, 'group'), 'utf8')).not.toContain(`:${gid}:`);
    }
    expect(line('group', 'operator')).toBeDefined();
  });

  test('takes over no account of the system, and no password of two lines', async () => {
    for (const name of ['root', 'jane', '_azbatch'])
      expect((await put(name)).response).toMatchObject({ type: 'failed', code: 'UserNameTaken' });
    expect((await controller.ask({ type: 'removeUser', name: 'jane' })).response).toEqual({
      type: 'userDone',
    });
    expect(line('passwd', 'jane')).toBeDefined();
    const { response } = await put('eve', { password: 'a\nroot:b' });
    expect(response).toMatchObject({ type: 'failed', code: 'Failed' });
    await controller.ask({ type: 'removeUser', name: 'eve' });
  });

  test('removes a user whose time is over', async () => {
    await put('brief', { expiryTime: Date.now() + 500 });
    expect(line('passwd', 'brief')).toBeDefined();
    await waitFor('the user to go', () => line('passwd', 'brief') === undefined, {
      timeoutMs: 15_000,
    });
  });
});
