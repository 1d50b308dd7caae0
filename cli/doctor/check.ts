import { spawnSync } from 'node:child_process';

/** fail: something that is set up doesn't work; warn: something optional is missing, or will be slow. */
export interface Finding {
  name: string;
  status: 'ok' | 'warn' | 'fail';
  /** What was seen, in one line. */
  seen: string;
  /** What helps; always there unless all is well. */
  cure?: string;
}

const PROGRAM_TIMEOUT_MS = 20_000;

export const ok = (name: string, seen: string): Finding => ({ name, status: 'ok', seen });
export const warn = (name: string, seen: string, cure: string): Finding => ({
  name,
  status: 'warn',
  seen,
  cure,
});
export const fail = (name: string, seen: string, cure: string): Finding => ({
  name,
  status: 'fail',
  seen,
  cure,
});

/** The output of a program; `missing` where it isn't installed. */
export function ask(
  command: string,
  ...args: string[]
): { state: 'ok' | 'failed'; text: string; milliseconds: number } | { state: 'missing' } {
  const started = performance.now();
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: PROGRAM_TIMEOUT_MS,
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
  });
  const milliseconds = performance.now() - started;
  if (result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT') {
    return { state: 'missing' };
  }
  if (result.status === 0) return { state: 'ok', text: result.stdout.trim(), milliseconds };
  const words = result.stderr.trim().split('\n').at(-1) ?? '';
  const text = words === '' ? `ended with ${String(result.status ?? result.signal)}` : words;
  return { state: 'failed', text, milliseconds };
}

export const messageOf = (error: unknown) =>
  error instanceof Error ? error.message : String(error);
