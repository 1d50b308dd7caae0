import { readFileSync } from 'node:fs';

/** A living process: its parent, when it began, as the system counts, and the leader of its session. */
export interface LivingProcess {
  parent: number;
  startTicks: string;
  session: number;
}

/** Undefined where there is none, or only its exit code waits for somebody. */
export function livingProcess(pid: number): LivingProcess | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // Gone, which is the answer.
  }
  // pid (name) state ppid pgrp session …; the name may hold anything, its last parenthesis ends it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, session, startTicks] = [fields[0], fields[1], fields[3], fields[19]];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
  return { parent: Number(parent), startTicks, session: Number(session) };
}

/** The system tells when a process began, and the uptime, in steps of this, cut off. */
export const TICK_MS = 10;

/** Whether a living process began between two moments of the system's uptime, in milliseconds. */
export const beganBetween = (
  { startTicks }: LivingProcess,
  [from, to]: readonly number[],
): boolean =>
  Number(startTicks) * TICK_MS >= (from ?? Infinity) - 3 * TICK_MS &&
  Number(startTicks) * TICK_MS <= (to ?? 0) + 2 * TICK_MS;

/** The environment that a process began with; empty where it can't be read. */
export function environmentOfProcess(pid: number): Record<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    return Object.fromEntries(
      entries.map((entry) => {
        const at = entry.indexOf('=');
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
    );
  } catch {
    return {}; // It has ended.
  }
}
