import { readdirSync, readFileSync } from 'node:fs';

/**
 * Kills processes that an agent which died left behind: those whose environment names this node's root,
 * but for this agent, its parent and those that `keeps` names. A new agent must not run a task beside an
 * old try of it. Returns how many there were.
 */
export function killLeftovers(
  rootDirectory: string,
  keeps: (pid: number, environment: readonly string[]) => boolean = () => false,
): number {
  const mark = `AZ_BATCH_NODE_ROOT_DIR=${rootDirectory}`;
  let killed = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || [process.pid, process.ppid].includes(Number(name))) continue;
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      if (!environment.includes(mark) || keeps(Number(name), environment)) continue;
      process.kill(Number(name), 'SIGKILL');
      killed += 1;
    } catch (error) {
      // Gone meanwhile, or another user's: in both cases not ours.
      if (
        !['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(
          (error as NodeJS.ErrnoException).code ?? '',
        )
      )
        throw error;
    }
  }
  return killed;
}
