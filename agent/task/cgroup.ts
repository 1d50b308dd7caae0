import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { cgroupName } from '../../protocol/agent/enrol.js';
import { systemCode } from './failure.js';

/** What a run used, with everything that it started. */
export interface Usage {
  userCpuMs: number;
  kernelCpuMs: number;
  /** The rest only where the group has the controller for it. */
  memoryPeakBytes?: number;
  readBytes?: number;
  writeBytes?: number;
  readOps?: number;
  writeOps?: number;
}

const CONTROLLERS = ['cpu', 'memory', 'io', 'pids'];
/** Children of children that are moved or killed with their parent, at most. */
export const DEPTH_MAX = 8;

/**
 * The control groups (version 2) of a node's runs, one below another at the top of the hierarchy that the
 * agent sees, so that they outlive the agent's own group. Nothing where there is none that it may change.
 */
export class Cgroups {
  #last = 0;
  #leaving: string[] = [];

  private constructor(readonly path: string) {}

  static find(rootDirectory: string): Cgroups | undefined {
    for (const top of hierarchies()) {
      const path = `${top}/${cgroupName(rootDirectory)}`;
      try {
        mkdirSync(path, { recursive: true });
        // What cannot kill is of no use here: kernels before 5.14.
        if (!readdirSync(path).includes('cgroup.kill')) unusable(path);
        for (const group of [top, path]) enableControllers(group);
        return new Cgroups(path);
      } catch (error) {
        if (!['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOSYS'].includes(systemCode(error)))
          throw error;
      }
    }
    return undefined;
  }

  /** A group for one run; undefined where the system grants no more: the run goes on without. */
  create(): RunCgroup | undefined {
    this.tidy();
    this.#last += 1;
    const path = `${this.path}/${process.pid}-${this.#last}`;
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      if (systemCode(error) === '') throw error;
      return undefined;
    }
    return new RunCgroup(path, (left) => this.#leaving.push(left));
  }

  /** The group that an earlier process of this agent gave a run: the named one, or where its process is. */
  find(pid: number, known: string | undefined): RunCgroup | undefined {
    const own = /^0::.*\/([^/]+)\/([^/]+)$/m.exec(read(`/proc/${pid}/cgroup`) ?? '') ?? [];
    const path = known ?? (own[1] === basename(this.path) ? `${this.path}/${own[2]}` : undefined);
    if (path === undefined || !path.startsWith(`${this.path}/`)) return undefined;
    return new RunCgroup(path, (left) => this.#leaving.push(left));
  }

  /** Removes groups whose last process has died by now. */
  tidy(): void {
    this.#leaving = this.#leaving.filter((path) => !removed(path));
  }

  /** The node ends: kills what is left in any of its groups, and removes them. */
  close(): void {
    if (removed(this.path)) return;
    for (const entry of readdirSync(this.path, { withFileTypes: true }))
      if (entry.isDirectory())
        new RunCgroup(`${this.path}/${entry.name}`, (left) => this.#leaving.push(left)).close(true);
    this.tidy();
    removed(this.path);
  }
}

export class RunCgroup {
  constructor(
    readonly path: string,
    private readonly leaves: (path: string) => void,
  ) {}

  /** Takes in a process that has just been started, with what it may have started since. */
  adopt(pid: number, depth = 0): void {
    try {
      writeFileSync(`${this.path}/cgroup.procs`, String(pid));
      if (depth < DEPTH_MAX) for (const child of childrenOf(pid)) this.adopt(child, depth + 1);
    } catch (error) {
      // It has ended already, or the system keeps it where it is: its session and environment find it.
      if (systemCode(error) === '') throw error;
    }
  }

  /** Kills every process in it at once, however far it has moved from its parents. */
  kill(): void {
    try {
      writeFileSync(`${this.path}/cgroup.kill`, '1');
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENODEV') throw error;
    }
  }

  usage(): Usage {
    const cpu = keyed(`${this.path}/cpu.stat`);
    const usage: Usage = {
      userCpuMs: (cpu.get('user_usec') ?? 0) / 1000,
      kernelCpuMs: (cpu.get('system_usec') ?? 0) / 1000,
    };
    const peak = read(`${this.path}/memory.peak`);
    if (peak !== undefined) usage.memoryPeakBytes = Number(peak);
    const io = read(`${this.path}/io.stat`);
    if (io !== undefined) {
      const sum = (name: string) =>
        [...io.matchAll(new RegExp(` ${name}=(\\d+)`, 'g'))].reduce(
          (all, one) => all + Number(one[1]),
          0,
        );
      usage.readBytes = sum('rbytes');
      usage.writeBytes = sum('wbytes');
      usage.readOps = sum('rios');
      usage.writeOps = sum('wios');
    }
    return usage;
  }

  /** The run is over; with `kill`, so is whatever it left. */
  close(kill: boolean): void {
    if (kill && !removed(this.path)) {
      this.kill();
      this.leaves(this.path);
    } else if (!kill) this.leaves(this.path);
  }
}

/** Where groups may be made: the top of what is mounted, then the agent's own group (delegated to a user). */
function hierarchies(): string[] {
  const mounts = read('/proc/self/mountinfo')?.split('\n') ?? [];
  const mount = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
  if (mount === undefined) return [];
  const own = /^0::(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  return own === '/' ? [mount] : [mount, `${mount}${own}`];
}

/** Those there are; a group with processes of its own can't hand them on. */
function enableControllers(group: string): void {
  const there = read(`${group}/cgroup.controllers`)?.split(/\s+/) ?? [];
  for (const controller of CONTROLLERS.filter((name) => there.includes(name))) {
    try {
      writeFileSync(`${group}/cgroup.subtree_control`, `+${controller}`);
    } catch (error) {
      if (!['EBUSY', 'EACCES', 'EPERM', 'EOPNOTSUPP', 'EINVAL'].includes(systemCode(error)))
        throw error;
    }
  }
}

function unusable(path: string): never {
  rmdirSync(path);
  throw Object.assign(new Error('cgroup.kill is missing'), { code: 'ENOSYS' });
}

export function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text.split(' ').filter(Boolean).map(Number);
}

/** Whether the group is gone; false while a process is in it. */
function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    if (systemCode(error) === 'EBUSY' || systemCode(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

function keyed(path: string): Map<string, number> {
  const lines = read(path)?.trim().split('\n') ?? [];
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EOPNOTSUPP'].includes(systemCode(error))) return undefined;
    throw error;
  }
}
