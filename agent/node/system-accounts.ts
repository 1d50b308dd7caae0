import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';

/** An account of the machine's own list. */
export interface SystemAccount {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
/** useradd's own limit. */
const GROUP_NAME_LENGTH_MAX = 32;
const SUDOERS = '/etc/sudoers.d';

/** Runs a program of the system with this on its standard input; rejects with what it said. */
export function runProgram(program: string, args: readonly string[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { env: ENVIRONMENT, cwd: '/', timeout: 60_000 },
      (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`${program}: ${stderr.trim() || error.message}`, { cause: error }));
      },
    );
    child.stdin?.on('error', () => undefined); // It ended without reading: its exit code says why.
    child.stdin?.end(input);
  });
}

export async function findAccount(name: string): Promise<SystemAccount | undefined> {
  for (const line of (await readFile('/etc/passwd', 'utf8')).split('\n')) {
    const [found, , uid, gid, , home = '/'] = line.split(':');
    if (found === name) return { name, uid: Number(uid), gid: Number(gid), home };
  }
  return undefined;
}

/** Numbers of the groups that list the account as a member. */
export function groupsOf(name: string): number[] {
  const groups: number[] = [];
  for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
    const [, , gid, members = ''] = line.split(':');
    if (members.split(',').includes(name)) groups.push(Number(gid));
  }
  return groups;
}

export async function ensureGroup(name: string, gid: number): Promise<void> {
  const groups = await readGroups();
  if (!groups.some((group) => group.name === name || group.gid === gid))
    await runProgram('groupadd', ['--gid', String(gid), name]);
}

/**
 * Makes those of the groups that are not there by one program of systemd. Rejects where that is missing or
 * fails: `ensureGroup` makes each by a program of its own.
 */
export async function makeGroups(wanted: readonly { name: string; gid: number }[]): Promise<void> {
  const present = await readGroups();
  const missing = wanted.filter(
    ({ name, gid }) => !present.some((group) => group.name === name || group.gid === gid),
  );
  if (missing.length < 2) return;
  const lines = missing.map(({ name, gid }) => `g ${name} ${String(gid)}\n`);
  await runProgram('systemd-sysusers', ['-'], lines.join(''));
}

async function readGroups(): Promise<{ name: string; gid: number }[]> {
  const lines = (await readFile('/etc/group', 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => {
    const [name = '', , gid] = line.split(':');
    return { name, gid: Number(gid) };
  });
}

/** Of an account whose name is that of a group of the system: it must not be in that one. */
const ownGroup = (name: string) => `_azb_${name}`.slice(0, GROUP_NAME_LENGTH_MAX);

/**
 * The group that the account is made with, if it is not to be made together with it (undefined). One of the
 * system that has the account's name (operator, disk, docker) may give rights: the account gets another.
 */
async function groupFor(name: string, gid: number | undefined): Promise<string | undefined> {
  const groups = await readGroups();
  if (gid !== undefined && groups.some((group) => group.gid === gid)) return String(gid);
  const isTaken = groups.some((group) => group.name === name);
  if (gid === undefined && !isTaken) return undefined;
  const group = isTaken ? ownGroup(name) : name;
  await runProgram('groupadd', [...(gid === undefined ? [] : ['--gid', String(gid)]), '--', group]);
  return group;
}

/** Makes the account with a group of its own; one that is there is taken as it is. */
export async function ensureAccount(
  wanted: { name: string; uid?: number; gid?: number; home?: string },
  groups: readonly string[] = [],
): Promise<SystemAccount> {
  const { name, uid, gid, home } = wanted;
  const present = await findAccount(name);
  if (present !== undefined) return present;
  const group = await groupFor(name, gid);
  await runProgram('useradd', [
    ...(uid === undefined ? [] : ['--uid', String(uid)]),
    ...(group === undefined ? ['--user-group'] : ['--gid', group]),
    ...(groups.length === 0 ? [] : ['--groups', groups.join(',')]),
    // A home that is given belongs to something else and is there already.
    ...(home === undefined ? ['--create-home'] : ['--no-create-home', '--home-dir', home]),
    ...['--shell', '/bin/bash', '--no-log-init'],
    ...['-K', 'SUB_UID_COUNT=0', '-K', 'SUB_GID_COUNT=0', '-K', 'HOME_MODE=0700'],
    ...['--', name],
  ]);
  const made = await findAccount(name);
  if (made === undefined) throw new Error(`useradd made no account ${JSON.stringify(name)}`);
  return made;
}

/** Ends the account's processes and removes it, with its home where that is its own. */
export async function removeAccount(name: string): Promise<void> {
  const account = await findAccount(name);
  if (account === undefined) return;
  await killProcessesOf(account.uid);
  await rm(sudoersFile(account), { force: true });
  await runProgram('userdel', ['--force', '--remove', '--', name]).catch(async (error: unknown) => {
    // It complains of a mail spool that never was, after it has done its work.
    if ((await findAccount(name)) !== undefined) throw error;
  });
  const group = (await readGroups()).find((one) => one.name === ownGroup(name));
  if (group?.gid === account.gid) await runProgram('groupdel', ['--', group.name]);
}

/** A password for logging in; none: no password fits. Throws for one that is more than one line. */
export async function setPassword(name: string, password: string | undefined): Promise<void> {
  if (password === undefined) return runProgram('usermod', ['--password', '*', '--', name]);
  if (/[\0\r\n]/.test(password)) throw new Error('a password is one line of text');
  await runProgram('chpasswd', [], `${name}:${password}\n`);
}

/** sudo without a password, or not; the file's name holds no dot, which sudo would pass over. */
export async function setAdministrator(account: SystemAccount, isAdmin: boolean): Promise<void> {
  const file = sudoersFile(account);
  await rm(file, { force: true });
  if (!isAdmin) return;
  await runProgram('mkdir', ['-p', '-m', '0750', SUDOERS]);
  await writeFile(file, `#${account.uid} ALL=(ALL:ALL) NOPASSWD: ALL\n`, {
    mode: 0o440,
    flag: 'wx',
  });
}

const sudoersFile = ({ uid }: SystemAccount) => `${SUDOERS}/batchyard-${uid}`;

/** Files of `.ssh`, written with the account's own rights: whatever it has put there, root does not follow. */
export async function writeSshFile(
  account: SystemAccount,
  setpriv: string,
  file: 'authorized_keys' | 'id_rsa' | 'id_rsa.pub',
  text: string,
): Promise<void> {
  const { uid, gid, home } = account;
  const script =
    'umask 077 && cd -- "$1" && mkdir -p .ssh && cat > ".ssh/$2.new" && mv -f ".ssh/$2.new" ".ssh/$2"';
  const who = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'];
  await runProgram(setpriv, [...who, 'sh', '-c', script, 'sh', home, file], text);
}

async function killProcessesOf(uid: number): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    let found = 0;
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const owner = await stat(`/proc/${name}`).catch(() => undefined);
      if (owner?.uid !== uid) continue;
      found += 1;
      try {
        process.kill(Number(name), 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    if (found === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
