#!/usr/bin/env node
// Starts virtlogd and libvirtd where no init system does it (containers, minimal machines).
//   node scripts/libvirtd.mjs start    prints `running` (one answered already) or `started` on standard output
//   node scripts/libvirtd.mjs stop     ends what `start` started, and nothing else; guests live on
//   node scripts/libvirtd.mjs status   exit code 0 if a libvirtd answers
// Why it does what it does: docs/libvirt.md, "Two traps".
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = process.env.BATCHYARD_CACHE ?? join(homedir(), '.cache', 'batchyard');
const STATE = join(CACHE, 'libvirtd.json');
const LOG = join(CACHE, 'libvirtd.log');
const INSTALL =
  'apt-get install -y libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils seabios tini';
const START_TIMEOUT_MS = 30_000;

const say = (line) => console.error(line);
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function programPath(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function required(name) {
  const path = programPath(name);
  if (path === undefined) throw new Error(`${name} is not installed; on Debian: ${INSTALL}`);
  return path;
}

/** Whether a libvirtd answers on the system socket; asked with a time limit, as a hung one answers never. */
export function answers(uri = 'qemu:///system') {
  const virsh = programPath('virsh');
  if (virsh === undefined) return false;
  return spawnSync(virsh, ['-c', uri, 'uri'], { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** The start time (clock ticks since boot) of a process: with it a pid can't be mistaken for a later process's. */
function startTicks(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined; // It has ended.
  }
}

const alive = ({ pid, ticks }) => startTicks(pid) !== undefined && startTicks(pid) === ticks;

/** What udev does on an ordinary host: without it libvirt throws its capability cache away at each look. */
function openKvmToItsGroup() {
  if (!existsSync('/dev/kvm') || process.getuid?.() !== 0) return;
  const group = readFileSync('/etc/group', 'utf8').match(/^kvm:[^:]*:(\d+):/m)?.[1];
  const now = statSync('/dev/kvm');
  if (
    group === undefined ||
    (now.mode & 0o006) === 0o006 ||
    (now.gid === Number(group) && (now.mode & 0o060) === 0o060)
  )
    return;
  chownSync('/dev/kvm', now.uid, Number(group));
  chmodSync('/dev/kvm', 0o660);
  say('/dev/kvm: given to group kvm, mode 660, as udev does');
}

function launch(command, args) {
  const log = openSync(LOG, 'a', 0o600);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  return { pid: child.pid, ticks: startTicks(child.pid), command: [command, ...args].join(' ') };
}

/** @returns {'running' | 'started'} */
export function start() {
  if (answers()) return 'running';
  if (existsSync('/run/systemd/system'))
    throw new Error(
      'no libvirtd answers; this machine has systemd: run `sudo systemctl enable --now libvirtd`',
    );
  if (process.getuid?.() !== 0)
    throw new Error(
      'no libvirtd answers, and starting one needs root: sudo node scripts/libvirtd.mjs start',
    );
  const [virtlogd, libvirtd, tini] = [required('virtlogd'), required('libvirtd'), required('tini')];
  required('virsh');
  mkdirSync(CACHE, { recursive: true, mode: 0o700 });
  openKvmToItsGroup();
  const started = [];
  if (
    !existsSync('/run/virtlogd.pid') ||
    startTicks(readFileSync('/run/virtlogd.pid', 'utf8').trim()) === undefined
  )
    started.push(launch(virtlogd, []));
  // A sub-reaper: libvirt waits for a QEMU that it probes until the process is reaped, by PID 1 if nobody else does it.
  started.push(launch(tini, ['-s', '--', libvirtd]));
  writeFileSync(STATE, JSON.stringify(started), { mode: 0o600 });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!answers()) {
    const ended = started.find((daemon) => !alive(daemon));
    if (ended !== undefined || Date.now() > deadline) {
      stop();
      throw new Error(
        `libvirtd ${ended === undefined ? 'does not answer' : `(${ended.command}) ended at once`}; its log is ${LOG}`,
      );
    }
    sleep(100);
  }
  return 'started';
}

/** Ends what `start` started. @returns {boolean} whether there was something to end */
export function stop() {
  if (!existsSync(STATE)) return false;
  const running = JSON.parse(readFileSync(STATE, 'utf8')).filter(alive);
  for (const daemon of running.reverse()) {
    process.kill(daemon.pid, 'SIGTERM');
    const deadline = Date.now() + 15_000;
    while (alive(daemon) && !isZombie(daemon.pid)) {
      if (Date.now() > deadline) {
        process.kill(daemon.pid, 'SIGKILL');
        break;
      }
      sleep(50);
    }
  }
  rmSync(STATE, { force: true });
  return running.length > 0;
}

function isZombie(pid) {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true; // It has ended.
  }
}

function main(verb) {
  if (verb === 'start') console.log(start());
  else if (verb === 'stop') console.log(stop() ? 'stopped' : 'nothing to stop');
  else if (verb === 'status') {
    const running = answers();
    console.log(running ? 'running' : 'stopped');
    process.exitCode = running ? 0 : 1;
  } else throw new Error(`unknown verb ${verb ?? '(none)'}: allowed are start, stop and status`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv[2]);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
