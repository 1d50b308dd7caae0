import { readdirSync, readFileSync } from 'node:fs';
import { systemCode } from './failure.js';

/** A process that forks as fast as it is killed gets this many rounds. */
const ROUNDS_MAX = 10;

/** Sends a signal to a process group; false when nothing of it is left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  return send(-leader, signal);
}

/**
 * Kills everything in the session of `leader` for sure: its group, then whatever moved to a group of
 * its own but stayed in the session.
 */
export function killSession(leader: number): void {
  signalGroup(leader, 'SIGKILL');
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const members = sessionMembers(leader);
    if (members.length === 0) return;
    for (const pid of members) send(pid, 'SIGKILL');
  }
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ESRCH' || systemCode(error) === 'EPERM') return false;
    throw error;
  }
}

/** Living processes of a session, from /proc; zombies don't count. */
function sessionMembers(leader: number): number[] {
  const members: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') continue;
      throw error;
    }
    // pid (name) state ppid pgrp session …; the name may hold anything, its last parenthesis ends it.
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(session) === leader && state !== 'Z' && state !== 'X') members.push(Number(name));
  }
  return members;
}
