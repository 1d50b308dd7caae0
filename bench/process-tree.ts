import { readFileSync, readdirSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second for every process (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

export interface Usage {
  cpuSeconds: number;
  peakMemoryMiB: number;
}

/** The process and all that descend from it now. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = Number(field(Number(entry), 1));
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [pid];
  for (let index = 0; index < found.length; index++)
    found.push(...(children.get(found[index] ?? 0) ?? []));
  return found;
}

/** Process nodes outlive their controller, so they are no children of it: found by its data folder on their command line. */
export function nodeProcesses(dataDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const command = read(`/proc/${pid}/cmdline`);
      return command.includes('agent.mjs') && command.includes(dataDirectory);
    });
}

/** CPU seconds, children that were waited for included, and the sum of the peaks of resident memory. */
export function usage(pids: readonly number[]): Usage {
  let ticks = 0;
  let peakKiB = 0;
  for (const pid of pids) {
    for (const position of [11, 12, 13, 14]) ticks += Number(field(pid, position) ?? 0);
    peakKiB += Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakMemoryMiB: peakKiB / 1024 };
}

/** Field of /proc/PID/stat, counted from the state letter (0), since the name before it may hold blanks. */
function field(pid: number, position: number): string | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[position];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended between two looks
  }
}
