import type { Outcome } from '../../../protocol/agent/event.js';
import type { Job } from '../job/state.js';
import type { Task } from './state.js';

/** What attempts that ended have used, in milliseconds; counted at their ends, never estimated. */
export interface Usage {
  wallClockMs: number;
  /** From the adding of tasks to their first start. */
  waitMs: number;
  userCpuMs: number;
  kernelCpuMs: number;
  /** Some attempt came without its CPU times: the two above are no totals. */
  isCpuUnknown?: boolean;
  retries: number;
  /** Of the runs whose nodes count it; absent: of none. */
  io?: IoUsage;
}

export interface IoUsage {
  readBytes: number;
  writeBytes: number;
  readOps: number;
  writeOps: number;
}

export const noUsage = (): Usage => ({
  wallClockMs: 0,
  waitMs: 0,
  userCpuMs: 0,
  kernelCpuMs: 0,
  retries: 0,
});

/** Adds up in place. */
export function addUsage(sum: Usage, other: Usage): void {
  sum.wallClockMs += other.wallClockMs;
  sum.waitMs += other.waitMs;
  sum.userCpuMs += other.userCpuMs;
  sum.kernelCpuMs += other.kernelCpuMs;
  sum.retries += other.retries;
  if (other.isCpuUnknown === true) sum.isCpuUnknown = true;
  if (other.io === undefined) return;
  const io = (sum.io ??= { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 });
  io.readBytes += other.io.readBytes;
  io.writeBytes += other.io.writeBytes;
  io.readOps += other.io.readOps;
  io.writeOps += other.io.writeOps;
}

function ioOf(outcome: RunUsage): { io: IoUsage } | undefined {
  const { readBytes, writeBytes = 0, readOps = 0, writeOps = 0 } = outcome;
  return readBytes === undefined ? undefined : { io: { readBytes, writeBytes, readOps, writeOps } };
}

/** What one run used, as its node counted it. */
export type RunUsage = Pick<
  Outcome,
  | 'userCpuMs'
  | 'kernelCpuMs'
  | 'memoryPeakBytes'
  | 'readBytes'
  | 'writeBytes'
  | 'readOps'
  | 'writeOps'
>;

const USED = [
  'userCpuMs',
  'kernelCpuMs',
  'memoryPeakBytes',
  'readBytes',
  'writeBytes',
  'readOps',
  'writeOps',
] as const;

/** Of an outcome, what was counted; undefined where nothing was. */
export function usageOf(outcome: RunUsage | undefined): RunUsage | undefined {
  const counted = USED.filter((name) => outcome?.[name] !== undefined);
  if (counted.length === 0) return undefined;
  return Object.fromEntries(counted.map((name) => [name, outcome?.[name]]));
}

/** An attempt has ended; the rows of its task and job are written with that end anyway. */
export function countUsage(job: Job, task: Task, outcome: Outcome): void {
  const { startTime, endTime, userCpuMs, kernelCpuMs } = outcome;
  if (startTime === undefined) return;
  const isFirst = task.usage === undefined;
  const ranProcess = outcome.exitCode !== undefined;
  const used: Usage = {
    wallClockMs: Math.max(0, endTime - startTime),
    waitMs: isFirst ? Math.max(0, startTime - task.creationTime) : 0,
    userCpuMs: userCpuMs ?? 0,
    kernelCpuMs: kernelCpuMs ?? 0,
    retries: 0,
    ...(ranProcess && userCpuMs === undefined ? { isCpuUnknown: true } : {}),
    ...ioOf(outcome),
  };
  addUsage((task.usage ??= noUsage()), used);
  addUsage((job.usage ??= noUsage()), used);
}
