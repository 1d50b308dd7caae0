import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';

/** What Linux says of a process, or undefined where there is none (a zombie counts as none). */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything: fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' ? undefined : startTicks;
  } catch {
    // Gone, which is the answer.
    return undefined;
  }
}

/**
 * Live processes, ours excepted, that carry the variable in their environment, work below the folder, or
 * run as a user whose number is the owner's alone.
 */
export function processesMarked(
  variable: string,
  value: string,
  isOwn: (uid: number) => boolean = () => false,
): number[] {
  const marker = `${variable}=${value}`;
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || processStart(pid) === undefined) return [];
    return hasVariable(pid, marker) || worksBelow(pid, value) || isOwn(userOf(pid)) ? [pid] : [];
  });
}

/** The value of a variable in a process's first environment. */
export function environmentOf(pid: number, variable: string): string | undefined {
  const start = `${variable}=`;
  return environment(pid)
    .find((entry) => entry.startsWith(start))
    ?.slice(start.length);
}

const hasVariable = (pid: number, marker: string) => environment(pid).includes(marker);

function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
  } catch {
    // Gone, or another user's: not ours.
    return [];
  }
}

/** -1 for a process that is gone. */
function userOf(pid: number): number {
  return statSync(`/proc/${String(pid)}`, { throwIfNoEntry: false })?.uid ?? -1;
}

function worksBelow(pid: number, folder: string): boolean {
  try {
    const at = readlinkSync(`/proc/${String(pid)}/cwd`);
    return at === folder || at.startsWith(`${folder}/`);
  } catch {
    return false;
  }
}
