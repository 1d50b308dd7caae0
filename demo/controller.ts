import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DemoFailure, type Log } from './log.js';
import type { DemoOptions } from './options.js';

export interface RunningController {
  url: string;
  pid: number;
  adminToken: string;
  stop(): Promise<void>;
}

/** The schedule of the example runs every 15 s: below Azure's minute, so the controller is told that it may. */
const SHORT_SCHEDULES = { BATCHYARD_JOB_SCHEDULE_MINIMUM_INTERVAL: 'PT5S' };
const READY_MS = 60_000;

/** Starts the controller on its embedded defaults and waits for its ready line. */
export async function startController(
  options: DemoOptions,
  log: Log,
  configFile?: string,
): Promise<RunningController> {
  const data = join(options.directory, 'data');
  const args = ['dist/batchyard.js', 'controller', '--data', data, '--listen', '127.0.0.1:0'];
  if (configFile) args.push('--config', configFile);
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...SHORT_SCHEDULES },
    detached: options.keep,
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.write('controller', text));
  const ready = await firstLine(child);
  return {
    url: ready.url,
    pid: child.pid ?? 0,
    adminToken: readFileSync(join(data, 'admin-token'), 'utf8').trim(),
    stop: () => stop(child),
  };
}

async function firstLine(child: ChildProcess): Promise<{ url: string }> {
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    once(child, 'exit').then(([code]) => {
      throw new DemoFailure(`the controller ended at its start with exit code ${String(code)}`);
    }),
    new Promise<never>((_, reject) =>
      setTimeout(
        () => reject(new DemoFailure(`the controller was not ready within ${READY_MS / 1000} s`)),
        READY_MS,
      ).unref(),
    ),
  ]);
  return JSON.parse(line) as { url: string };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await ended) as [number | null];
  if (code !== 0)
    throw new DemoFailure(
      `the controller ended with exit code ${String(code)} when it was asked to stop`,
    );
}
