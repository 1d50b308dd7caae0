import { createRequire } from 'node:module';
import { constants as files } from 'node:fs';
import { constants } from 'node:os';
import type Koffi from 'koffi';
import {
  LaunchError,
  outputFlags,
  type LaunchCallbacks,
  type Launcher,
  type LaunchOrder,
  type ProcessEnd,
} from './launcher.js';

// From glibc's <spawn.h>, <bits/fcntl-linux.h> and <sys/wait.h>; the same on all Linux architectures that Node runs on.
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const WNOHANG = 1;
/** Larger than any of posix_spawnattr_t (336), posix_spawn_file_actions_t (80), sigset_t (128), rusage (144). */
const STRUCT_BYTES = 512;

const ACTIONS_BYTES = 128;

type Native = ReturnType<typeof bind>;

function bind() {
  const load = createRequire(import.meta.url);
  const koffi = load('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  const call = (signature: string) => libc.func(signature) as (...values: unknown[]) => number;
  const spawn = libc.func(
    'int posix_spawn(void *pid, const char *path, void *actions, void *attr, const char **argv, const char **envp)',
  );
  return {
    actionsInit: call('int posix_spawn_file_actions_init(void *actions)'),
    actionsDestroy: call('int posix_spawn_file_actions_destroy(void *actions)'),
    addOpen: call(
      'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint32_t mode)',
    ),
    closeFrom: call('int posix_spawn_file_actions_addclosefrom_np(void *actions, int fd)'),
    addChdir: call('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)'),
    attrInit: call('int posix_spawnattr_init(void *attr)'),
    setFlags: call('int posix_spawnattr_setflags(void *attr, short flags)'),
    setSigDefault: call('int posix_spawnattr_setsigdefault(void *attr, void *set)'),
    setSigMask: call('int posix_spawnattr_setsigmask(void *attr, void *set)'),
    sigFill: call('int sigfillset(void *set)'),
    sigEmpty: call('int sigemptyset(void *set)'),
    spawn: spawn.async as (
      ...values: [...unknown[], (error: Error | null, result: number) => void]
    ) => void,
    kill: call('int kill(int pid, int signal)'),
    wait4: call('int wait4(int pid, void *status, int options, void *rusage)'),
  };
}

/**
 * Calls the C library's posix_spawn: it starts a process with vfork's cheapness whatever the size of
 * this program, and opens files and changes directory in the child. The call waits until the child has
 * opened its files and become the program, so it is made on a thread of its own: on a busy disk the
 * next try is prepared meanwhile. Throws when koffi or glibc (2.34 or newer) is missing.
 */
export function createPosixLauncher(): Launcher {
  return new PosixLauncher(bind());
}

class PosixLauncher implements Launcher {
  #ended = new Map<number, (end: ProcessEnd) => void>();
  #attr = Buffer.alloc(STRUCT_BYTES);
  #status = Buffer.alloc(8);
  #usage = Buffer.alloc(STRUCT_BYTES);

  constructor(private readonly native: Native) {
    const signals = Buffer.alloc(STRUCT_BYTES);
    native.attrInit(this.#attr);
    native.setFlags(
      this.#attr,
      POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK,
    );
    native.sigFill(signals);
    native.setSigDefault(this.#attr, signals);
    native.sigEmpty(signals);
    native.setSigMask(this.#attr, signals);
    // Signals coalesce, so every process of ours is asked; other children of this program are not touched.
    process.on('SIGCHLD', () => {
      for (const pid of [...this.#ended.keys()]) this.#reap(pid);
    });
  }

  launch(order: LaunchOrder, callbacks: LaunchCallbacks): void {
    const { native } = this;
    // Buffers of this launch alone: several may be under way.
    const actions = Buffer.alloc(ACTIONS_BYTES);
    const pidOut = Buffer.alloc(8);
    native.actionsInit(actions);
    native.addOpen(actions, 0, '/dev/null', files.O_RDONLY, 0);
    const flags = outputFlags(order);
    native.addOpen(actions, 1, order.stdoutPath, flags, 0o640);
    native.addOpen(actions, 2, order.stderrPath, flags, 0o640);
    // Whatever this program inherited from whoever started it ends here.
    native.closeFrom(actions, 3);
    native.addChdir(actions, order.workingDirectory);
    const argv = [...order.argv, null];
    const settings: (string | null)[] = [];
    for (const name in order.environment) settings.push(`${name}=${order.environment[name] ?? ''}`);
    settings.push(null);
    native.spawn(pidOut, order.file, actions, this.#attr, argv, settings, (error, failed) => {
      native.actionsDestroy(actions);
      if (error !== null || failed !== 0) {
        const code = error === null ? errorName(failed) : error.message;
        return callbacks.failed(new LaunchError(code, order.file));
      }
      const pid = pidOut.readInt32LE(0);
      this.#ended.set(pid, (end) => callbacks.ended(end));
      callbacks.started(pid);
      // It may have ended before its number was known, and no other signal will come for it.
      this.#reap(pid);
    });
  }

  sweepGroup(leader: number): void {
    this.native.kill(-leader, constants.signals.SIGKILL);
  }

  #reap(pid: number): void {
    const ended = this.#ended.get(pid);
    if (ended === undefined) return;
    if (this.native.wait4(pid, this.#status, WNOHANG, this.#usage) !== pid) return;
    this.#ended.delete(pid);
    const status = this.#status.readInt32LE(0);
    const signal = status & 0x7f;
    ended({
      exitCode: signal === 0 ? (status >> 8) & 0xff : -signal,
      userCpuMs: milliseconds(this.#usage, 0),
      kernelCpuMs: milliseconds(this.#usage, 16),
    });
  }
}

/** A `struct timeval` of two 64-bit numbers, seconds and microseconds. */
function milliseconds(usage: Buffer, offset: number): number {
  const seconds = Number(usage.readBigInt64LE(offset));
  return seconds * 1000 + Number(usage.readBigInt64LE(offset + 8)) / 1000;
}

function errorName(number: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === number) return name;
  return `error ${number}`;
}
