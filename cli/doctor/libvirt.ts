/** What VM nodes need, and the two things that make every create of a VM slow (docs/libvirt.md). */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  chmodSync,
  copyFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LibvirtConnection } from '../../controller/effects/nodes/libvirt/connection.js';
import { localProbeFiles, probe } from '../../controller/effects/nodes/libvirt/domain-type.js';
import { qemuUser } from '../../controller/effects/nodes/libvirt/reachable.js';
import { ask, fail, messageOf, ok, warn } from './check.js';
import type { Finding } from './check.js';

const PACKAGES =
  'apt-get install -y libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils seabios genisoimage';
const START =
  'sudo systemctl start libvirtd, or where there is no systemd: node scripts/libvirtd.mjs start';
/** An init that is told of an orphan's end needs milliseconds; one that only looks now and then is seen by chance. */
const REAP_SLOW_MS = 300;
const REAP_TIMEOUT_MS = 2_000;

export async function binding(): Promise<Finding> {
  try {
    await import('@unraid/libvirt');
    return ok('libvirt binding', '@unraid/libvirt loads');
  } catch (error) {
    const first = messageOf(error).split('\n', 1)[0] ?? '';
    const cure =
      'only VM nodes need it: apt-get install -y libvirt-dev build-essential pkg-config python3, then npm install @unraid/libvirt';
    return warn('libvirt binding', first, cure);
  }
}

export function libvirt(uri: string): Finding {
  const answer = ask('virsh', '-c', uri, 'version');
  if (answer.state === 'missing')
    return warn('libvirt', 'not installed', `only VM nodes need it: ${PACKAGES}`);
  if (answer.state === 'failed') return fail('libvirt', `${uri}: ${answer.text}`, START);
  const version = /Using library: libvirt ([\d.]+)/.exec(answer.text)?.[1] ?? 'unknown version';
  const hypervisor = /Running hypervisor: (.+)/.exec(answer.text)?.[1] ?? 'unknown hypervisor';
  return ok('libvirt', `${version} at ${uri}, ${hypervisor}`);
}

export function qemu(): Finding {
  const answer = ask('qemu-system-x86_64', '--version');
  const missing = ['qemu-img', 'genisoimage'].filter(
    (name) => ask(name, '--version').state === 'missing',
  );
  if (answer.state === 'missing') missing.unshift('qemu-system-x86_64');
  if (missing.length > 0)
    return warn('QEMU', `no ${missing.join(', ')}`, `only VM nodes need it: ${PACKAGES}`);
  if (answer.state !== 'ok') return fail('QEMU', 'qemu-system-x86_64 does not start', PACKAGES);
  return ok('QEMU', /version ([\d.]+)/.exec(answer.text)?.[1] ?? answer.text);
}

/** Whether guests run in KVM: a tiny one has to print a word; that /dev/kvm is there says nothing. */
export async function kvm(
  uri: string,
  bootGuest: boolean,
  imageDirectory: string,
): Promise<Finding> {
  const name = 'KVM';
  const slow =
    "nothing to do: VM nodes use QEMU's own emulation (domain type qemu), several times slower";
  if (!existsSync('/dev/kvm')) return warn(name, 'this machine has no /dev/kvm', slow);
  if (!bootGuest)
    return ok(name, '/dev/kvm is there; whether guests run in it was not tried (--no-probe)');
  const folder = mkdtempSync(join(tmpdir(), 'batchyard-doctor-'));
  const connection = new LibvirtConnection(uri);
  try {
    chmodSync(folder, 0o711);
    const image = join(imageDirectory, 'vmlinuz');
    const kernel = existsSync(image) ? join(folder, 'vmlinuz') : undefined;
    if (kernel !== undefined) copyFileSync(image, kernel);
    const seen = await probe(connection, 'kvm', { files: localProbeFiles(folder), kernel });
    if (seen !== undefined) return warn(name, `guests don't run in it: ${seen}`, slow);
    return kernel === undefined
      ? ok(name, 'a guest of one sector ran (after npm run image:build a Linux kernel is tried)')
      : ok(name, 'a Linux kernel ran in it');
  } catch (error) {
    return warn(name, `could not be tried: ${messageOf(error)}`, START);
  } finally {
    await connection.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Trap 2: libvirt asks as root, QEMU opens as its own user; if only one may, capabilities are found out anew each time. */
export function kvmAccess(uri: string): Finding {
  const name = '/dev/kvm for QEMU';
  const user = qemuUser(uri);
  const stat = statSync('/dev/kvm', { throwIfNoEntry: false });
  if (stat === undefined || user === undefined) return ok(name, 'does not matter here');
  const bits = user.uid === stat.uid ? 0o600 : user.gids.has(stat.gid) ? 0o060 : 0o006;
  if ((stat.mode & bits) === bits) return ok(name, `user ${user.name} may open it`);
  return warn(
    name,
    `root may open it and user ${user.name} may not: libvirt throws its capability cache away, every create of a VM takes 8 s`,
    'sudo chgrp kvm /dev/kvm && sudo chmod 660 /dev/kvm (udev does it on an ordinary host)',
  );
}

/** Trap 1: libvirt waits for the end of a QEMU that it probes until somebody has reaped it. */
export async function reaping(): Promise<Finding> {
  const name = 'reaping of orphans';
  const milliseconds = await reapMilliseconds();
  if (milliseconds < REAP_SLOW_MS)
    return ok(name, `by process 1, in ${String(Math.round(milliseconds))} ms`);
  const daemon = processNamed('libvirtd') ?? processNamed('virtqemud');
  if (daemon !== undefined && parentOf(daemon) !== 1)
    return ok(name, 'slow by process 1, but libvirtd runs below a reaper of its own');
  return warn(
    name,
    `process 1 took ${String(Math.round(milliseconds))} ms or more: every create of a VM takes up to a minute`,
    'run libvirtd below a sub-reaper: `setsid tini -s -- libvirtd`, which node scripts/libvirtd.mjs start does',
  );
}

/** How long an orphan stays a zombie; at most the limit. */
async function reapMilliseconds(): Promise<number> {
  // The shell ends at once and leaves its child to process 1, which tells its number first.
  const shell = spawn('/bin/sh', ['-c', 'sleep 0.2 </dev/null >/dev/null 2>&1 & echo $!'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const orphan = await new Promise<number>((resolve, reject) => {
    let text = '';
    shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    shell.once('error', reject);
    shell.once('close', () => {
      resolve(Number(text.trim()));
    });
  });
  while (stateOf(orphan) !== undefined && stateOf(orphan) !== 'Z') await delay(10);
  const ended = performance.now();
  while (stateOf(orphan) === 'Z' && performance.now() - ended < REAP_TIMEOUT_MS) await delay(5);
  return stateOf(orphan) === 'Z' ? REAP_TIMEOUT_MS : performance.now() - ended;
}

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has ended.
    return undefined;
  }
}

const stateOf = (pid: number) => statFields(pid)?.[0];
const parentOf = (pid: number) => Number(statFields(pid)?.[1]);

function processNamed(name: string): number | undefined {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.find((pid) => {
    try {
      return readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim() === name;
    } catch {
      // It has ended.
      return false;
    }
  });
}

export function image(imageDirectory: string): Finding {
  const manifest = join(imageDirectory, 'manifest.json');
  const whole = ['manifest.json', 'disk.qcow2', 'vmlinuz', 'initrd.img'].every((file) =>
    existsSync(join(imageDirectory, file)),
  );
  return whole
    ? ok('VM image', manifest)
    : warn('VM image', `none in ${imageDirectory}`, 'only VM nodes need it: npm run image:build');
}
