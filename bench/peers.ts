import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from './report.js';

/** Runs `command` over `count` lines of input, each a process, under GNU time's own accounting of the whole tree. */
async function overLines(name: string, command: string[], count: number): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'batchyard-bench-'));
  try {
    const figures = join(directory, 'figures');
    const started = process.hrtime.bigint();
    const child = spawn('/usr/bin/time', ['-f', '%U %S %M', '-o', figures, ...command], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.end(Array.from({ length: count }, (_, index) => `${index}\n`).join(''));
    const [code] = (await once(child, 'close')) as [number | null];
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}`);
    const [user = 0, system = 0, peakKiB = 0] = readFileSync(figures, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    return {
      name,
      seconds,
      tasks: count,
      cpuSeconds: user + system,
      peakMemoryMiB: peakKiB / 1024,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** `-I` makes a command take the line only where it says so. */
export const xargs = (count: number, command = ['/bin/true']) =>
  overLines(
    'xargs -P2',
    ['xargs', '-P2', ...(command.length > 1 ? ['-I{}'] : ['-n1']), ...command],
    count,
  );

export const gnuParallel = (count: number, command = '/bin/true') =>
  overLines(
    'GNU parallel -j2',
    ['parallel', '-j2', ...(command === '/bin/true' ? [] : ['-n0']), command],
    count,
  );

/** What is missing, with the command that installs it. */
export function missingPeers(): string[] {
  return [
    ['/usr/bin/time', '--version', 'apt-get install time'],
    ['xargs', '--version', 'apt-get install findutils'],
    ['parallel', '--version', 'apt-get install parallel'],
  ].flatMap(([program = '', flag = '', install = '']) =>
    spawnSync(program, [flag]).error ? [`${program}: ${install}`] : [],
  );
}
