import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import { addUsage, noUsage } from '../task/usage.js';
import type { Usage } from '../task/usage.js';
import type { Account, Past, PastJobs } from './state.js';

/** Usage metrics reach back so far, and so many nodes at most. */
const NODES_KEPT_MS = 7 * 24 * 60 * 60_000;
const NODES_KEPT = 500;

const pastOf = (account: Account): Past =>
  (account.past ??= { dedicatedCoreMs: 0, nodes: [], jobs: noUsage(), succeeded: 0, failed: 0 });

/** The node goes: its pool and account remember how long it was there. */
export function rememberNode(recorder: Recorder, node: Node): void {
  const { state, settings, now } = recorder;
  const pool = state.pools.get(node.pool);
  const account = state.accounts.get(node.account);
  if (pool === undefined) return;
  const { vmSize } = pool.specification;
  const vcpus = settings.vmSizes.find(({ name }) => name === vmSize.toLowerCase())?.vcpus ?? 1;
  const coreMs = node.isDedicated ? (now - node.allocationTime) * vcpus : 0;
  pool.pastDedicatedCoreMs = (pool.pastDedicatedCoreMs ?? 0) + coreMs;
  recorder.changed('pool', pool);
  if (account === undefined) return;
  const past = pastOf(account);
  past.dedicatedCoreMs += coreMs;
  const kept = past.nodes.filter(({ to }) => to > now - NODES_KEPT_MS).slice(1 - NODES_KEPT);
  past.nodes = [...kept, { poolId: pool.id, vmSize, vcpus, from: node.allocationTime, to: now }];
  recorder.changed('account', account);
}

/** The job goes: its account and its schedule remember what its tasks used. */
export function rememberJob(recorder: Recorder, job: Job): void {
  if (job.usage === undefined) return;
  const { accounts, jobSchedules } = recorder.state;
  const account = accounts.get(job.account);
  if (account !== undefined) {
    addJob(pastOf(account), job, job.usage);
    recorder.changed('account', account);
  }
  const schedule = job.jobSchedule === undefined ? undefined : jobSchedules.get(job.jobSchedule);
  if (schedule !== undefined) {
    addJob((schedule.past ??= { jobs: noUsage(), succeeded: 0, failed: 0 }), job, job.usage);
    recorder.changed('jobSchedule', schedule);
  }
}

function addJob(past: PastJobs, { taskCounts }: Job, usage: Usage): void {
  addUsage(past.jobs, usage);
  past.succeeded += taskCounts.succeeded;
  past.failed += taskCounts.failed;
}
