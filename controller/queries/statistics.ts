import type { JobScheduleKey } from '../../protocol/keys.js';
import { formatDuration, formatTime } from '../../protocol/time.js';
import type { PastJobs } from '../core/account/state.js';
import type { Job } from '../core/job/state.js';
import type { Pool } from '../core/pool/state.js';
import type { Task } from '../core/task/state.js';
import type { IoUsage, RunUsage, Usage } from '../core/task/usage.js';
import type { RowKind, Rows } from '../engine/ports.js';
import type { QueryContext } from './context.js';
import { invalidQueryParameter } from './filter.js';
import { selectedNames } from './select.js';
import { present, urlOf } from './wire.js';

/** Rows of one read while everything of a kind is summed up. */
const PAGE = 1000;

/** Whether `stats` is asked for: expanded (and not left out by `$select`), or selected. */
export function wantsStats({ expand, select }: { expand?: string; select?: string }): boolean {
  if (expand !== undefined && expand.trim().toLowerCase() !== 'stats')
    throw invalidQueryParameter('$expand', expand.slice(0, 100), "only 'stats' can be expanded");
  return expand !== undefined || selectedNames(select)?.includes('stats') === true;
}

/** Every row of a kind below a key; of jobs, all or those of one schedule. */
export async function* allRows<K extends RowKind>(
  { reader }: QueryContext,
  kind: K,
  scope: string,
  jobSchedule?: JobScheduleKey,
): AsyncGenerator<Rows[K]['row']> {
  for (let after: string | undefined; ;) {
    const rows = await reader.list(kind, {
      scope,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
      ...(jobSchedule === undefined ? {} : { jobSchedule }),
    });
    yield* rows;
    const last = rows.at(-1);
    if (rows.length < PAGE || last === undefined) return;
    after = last.key.slice(last.key.lastIndexOf('/') + 1);
  }
}

export const vcpusOf = ({ vmSizes = [] }: QueryContext, { specification }: Pool): number =>
  vmSizes.find(({ name }) => name === specification.vmSize.toLowerCase())?.vcpus ?? 1;

/** The sum of what several have used. */
export function total(usages: Iterable<Usage>): Usage {
  const sum: Usage = { wallClockMs: 0, waitMs: 0, userCpuMs: 0, kernelCpuMs: 0, retries: 0 };
  for (const usage of usages) {
    sum.wallClockMs += usage.wallClockMs;
    sum.waitMs += usage.waitMs;
    sum.userCpuMs += usage.userCpuMs;
    sum.kernelCpuMs += usage.kernelCpuMs;
    sum.retries += usage.retries;
    if (usage.isCpuUnknown === true) sum.isCpuUnknown = true;
    if (usage.io === undefined) continue;
    const io = (sum.io ??= { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 });
    for (const name of ['readBytes', 'writeBytes', 'readOps', 'writeOps'] as const)
      io[name] += usage.io[name];
  }
  return sum;
}

const GIB = 2 ** 30;

/** 64-bit numbers are text. */
const ioStatistics = (io: IoUsage | undefined): object =>
  io === undefined
    ? {}
    : {
        readIOps: String(io.readOps),
        writeIOps: String(io.writeOps),
        readIOGiB: io.readBytes / GIB,
        writeIOGiB: io.writeBytes / GIB,
      };

/** What one run used, as far as its node counted it; undefined: nothing was. */
export function runStatistics(used: RunUsage | undefined): object | undefined {
  if (used === undefined) return undefined;
  const { userCpuMs, kernelCpuMs, memoryPeakBytes, readBytes } = used;
  const { writeBytes = 0, readOps = 0, writeOps = 0 } = used;
  return present({
    userCPUTime: userCpuMs === undefined ? undefined : formatDuration(userCpuMs),
    kernelCPUTime: kernelCpuMs === undefined ? undefined : formatDuration(kernelCpuMs),
    peakMemoryBytes: memoryPeakBytes === undefined ? undefined : String(memoryPeakBytes),
    ...(readBytes === undefined ? {} : ioStatistics({ readBytes, writeBytes, readOps, writeOps })),
  });
}

const cpuTimes = ({ userCpuMs, kernelCpuMs, isCpuUnknown }: Usage) =>
  isCpuUnknown === true
    ? {}
    : { userCPUTime: formatDuration(userCpuMs), kernelCPUTime: formatDuration(kernelCpuMs) };

const times = (startTime: number, now: number | undefined) => ({
  startTime: formatTime(startTime),
  lastUpdateTime: formatTime(now ?? startTime),
});

/** TaskStatistics; absent until an attempt has ended. */
export function taskStatistics(task: Task, job: Job, context: QueryContext): object | undefined {
  const { usage } = task;
  if (usage === undefined) return undefined;
  return {
    url: `${urlOf(context.baseUrl, 'jobs', job.id, 'tasks', task.id)}/stats`,
    ...times(task.creationTime, context.now),
    ...cpuTimes(usage),
    wallClockTime: formatDuration(usage.wallClockMs),
    waitTime: formatDuration(usage.waitMs),
    ...ioStatistics(usage.io),
  };
}

/** What jobs have used and counted together: those that are there, and those that are gone. */
export async function totalOfJobs(
  jobs: AsyncIterable<Job>,
  past: PastJobs | undefined,
): Promise<{ usage: Usage; counts: { succeeded: number; failed: number } }> {
  const counts = { succeeded: past?.succeeded ?? 0, failed: past?.failed ?? 0 };
  const usages = past === undefined ? [] : [past.jobs];
  for await (const job of jobs) {
    if (job.usage !== undefined) usages.push(job.usage);
    counts.succeeded += job.taskCounts.succeeded;
    counts.failed += job.taskCounts.failed;
  }
  return { usage: total(usages), counts };
}

/** JobStatistics of one job, of a schedule's, or of an account. 64-bit numbers are text. */
export const jobStatistics = (
  url: string,
  startTime: number,
  usage: Usage,
  counts: { succeeded: number; failed: number },
  now: number | undefined,
): object => ({
  url,
  ...times(startTime, now),
  ...cpuTimes(usage),
  wallClockTime: formatDuration(usage.wallClockMs),
  numSucceededTasks: String(counts.succeeded),
  numFailedTasks: String(counts.failed),
  numTaskRetries: String(usage.retries),
  waitTime: formatDuration(usage.waitMs),
  ...ioStatistics(usage.io),
});

/** Core time of a pool's dedicated nodes, those that are gone included. */
export async function dedicatedCoreMs(context: QueryContext, pool: Pool): Promise<number> {
  const vcpus = vcpusOf(context, pool);
  let sum = pool.pastDedicatedCoreMs ?? 0;
  for await (const node of allRows(context, 'node', pool.key))
    if (node.isDedicated) sum += Math.max(0, (context.now ?? 0) - node.allocationTime) * vcpus;
  return sum;
}

/** PoolStatistics; what nodes used of memory, disk and network is not counted and left out. */
export const poolStatistics = (
  url: string,
  startTime: number,
  coreMs: number,
  now: number | undefined,
): object =>
  present({
    url,
    ...times(startTime, now),
    usageStats: { ...times(startTime, now), dedicatedCoreTime: formatDuration(coreMs) },
  });
