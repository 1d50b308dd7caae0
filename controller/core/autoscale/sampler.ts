import type { NodeMetrics } from '../../../protocol/agent/message.js';
import type { PoolKey } from '../../../protocol/keys.js';
import type { Job } from '../job/state.js';
import type { Node } from '../node/state.js';
import type { Pool } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import { missingOf } from '../task-factory/unfold.js';
import { poolRefusal } from '../scheduler/refusal.js';
import type { State } from '../state.js';
import type { MetricName } from './names.js';
import { saveSamples } from './sample-window.js';
import { PoolSamples, type Sample } from './samples.js';
import { SAMPLE_PERIOD_MS, slotOf } from './series.js';

/** The one deadline of all samples: they are taken together, at the beginning of each period. */
export const SAMPLES_DEADLINE = 'samples:';

/** Keeps the samples of every pool coming. */
function armSamples({ state, now }: Recorder): void {
  if (state.pools.size > 0)
    state.deadlines.arm(SAMPLES_DEADLINE, (slotOf(now) + 1) * SAMPLE_PERIOD_MS);
}

/** Takes a sample of each pool. Costs time in proportion to pools, jobs and nodes, not to tasks. */
export function takeSamples(recorder: Recorder): void {
  const { state } = recorder;
  const jobs = new Map<PoolKey, Job[]>();
  for (const job of state.jobs.values()) {
    if (job.pool === undefined || !state.pools.has(job.pool)) continue;
    const list = jobs.get(job.pool);
    if (list === undefined) jobs.set(job.pool, [job]);
    else list.push(job);
  }
  for (const pool of state.pools.values()) takeSample(recorder, pool, jobs.get(pool.key) ?? []);
  armSamples(recorder);
}

/** Takes a sample of one pool now: at its beginning, and before its formula looks. */
export function samplePool(recorder: Recorder, pool: Pool): PoolSamples {
  const jobs = [...recorder.state.jobs.values()].filter((job) => job.pool === pool.key);
  armSamples(recorder);
  return takeSample(recorder, pool, jobs);
}

function takeSample(recorder: Recorder, pool: Pool, jobs: readonly Job[]): PoolSamples {
  const { state, now } = recorder;
  let samples = state.samples.get(pool.key);
  if (samples === undefined) {
    samples = new PoolSamples(now);
    state.samples.set(pool.key, samples);
  }
  const nodes = [...(state.nodesOfPool.get(pool.key) ?? [])];
  samples.put(now, {
    ...taskMetrics(state, pool, jobs),
    ...nodeMetrics(nodes),
    ...resourceMetrics(samples, nodes, now),
    $TaskSlotsPerNode: pool.specification.taskSlotsPerNode,
  });
  saveSamples(recorder, pool.key, samples);
  return samples;
}

function taskMetrics(state: State, pool: Pool, jobs: readonly Job[]): Sample {
  const tasks = { active: 0, running: 0, succeeded: 0, failed: 0 };
  const slots = { ...tasks };
  for (const job of jobs) {
    for (const name of ['running', 'succeeded', 'failed'] as const) {
      tasks[name] += job.taskCounts[name];
      slots[name] += job.taskSlotCounts[name];
    }
    const active = activeOf(state, job, pool);
    tasks.active += active.tasks;
    slots.active += active.slots;
  }
  return {
    $ActiveTasks: tasks.active,
    $RunningTasks: tasks.running,
    $PendingTasks: tasks.active + tasks.running,
    $SucceededTasks: tasks.succeeded,
    $FailedTasks: tasks.failed,
    $ActiveTaskSlots: slots.active,
    $RunningTaskSlots: slots.running,
    $PendingTaskSlots: slots.active + slots.running,
    $SucceededTaskSlots: slots.succeeded,
    $FailedTaskSlots: slots.failed,
  };
}

/**
 * Active tasks that could run if there were room: not those that wait for others, nor those that can
 * never fit the pool, for which no number of nodes is enough, nor those of a disabled job. A
 * multi-instance task counts once for each of its instances.
 */
function activeOf(state: State, job: Job, pool: Pool): { tasks: number; slots: number } {
  if (job.state !== 'active' && job.state !== 'enabling') return { tasks: 0, slots: 0 };
  const active = { tasks: job.taskCounts.active, slots: job.taskSlotCounts.active };
  const work = state.workOfJob(job.key);
  // Mostly no task waits and each needs one slot: then there is nothing to look at.
  if (work.dependencies.size === 0 && active.slots === active.tasks && !work.hasInstances)
    return active;
  for (const factory of work.factories.values()) {
    const unfolding = job.factories?.[factory.id.toLowerCase()];
    if (unfolding === undefined || poolRefusal(factory, pool) === undefined) continue;
    const missing = missingOf(factory, unfolding);
    active.tasks -= missing;
    active.slots -= missing * factory.requiredSlots;
  }
  for (const { mould, count } of work.shelf.moulds) {
    if (poolRefusal(mould, pool) === undefined) continue;
    active.tasks -= count;
    active.slots -= count * mould.requiredSlots;
  }
  for (const task of work.tasks) {
    if (task.state !== 'active') continue;
    const counts = poolRefusal(task, pool) === undefined && !work.dependencies.isBlocked(task);
    const more = counts ? (task.instances ?? 1) - 1 : -1;
    active.tasks += more;
    active.slots += more * task.requiredSlots;
  }
  return active;
}

function nodeMetrics(nodes: readonly Node[]): Sample {
  const count = (suits: (node: Node) => boolean) => nodes.filter(suits).length;
  return {
    $CurrentDedicatedNodes: count((node) => node.isDedicated),
    $CurrentLowPriorityNodes: count((node) => !node.isDedicated),
    $PreemptedNodeCount: count((node) => node.state === 'preempted'),
    $UsableNodeCount: count((node) => node.state === 'idle' || node.state === 'running'),
  };
}

/** Totals since a node's machine started: a sample is what was added since the last period. */
const TOTALS = [
  ['$DiskReadBytes', 'diskReadBytes'],
  ['$DiskWriteBytes', 'diskWriteBytes'],
  ['$DiskReadOps', 'diskReadOps'],
  ['$DiskWriteOps', 'diskWriteOps'],
  ['$NetworkInBytes', 'networkInBytes'],
  ['$NetworkOutBytes', 'networkOutBytes'],
] as const satisfies [MetricName, keyof NodeMetrics][];

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

/**
 * Averages and sums over the nodes whose agents report. As the service's reference has it, memory is in
 * megabytes and disk in gigabytes whatever the variables are called.
 */
function resourceMetrics(samples: PoolSamples, nodes: readonly Node[], now: number): Sample {
  const reporting = nodes.flatMap((node) => {
    const { id, metrics } = node.session;
    return id === undefined || metrics === undefined ? [] : [{ node, metrics }];
  });
  const count = reporting.length;
  if (count === 0) return { $SampleNodeCount: 0 };
  const average = (of: (metrics: NodeMetrics) => number) =>
    reporting.reduce((total, { metrics }) => total + of(metrics), 0) / count;
  return {
    $SampleNodeCount: count,
    $CPUPercent: average((metrics) => metrics.cpuPercent),
    $MemoryBytes: average((metrics) => metrics.memoryBytes) / MEBIBYTE,
    $DiskBytes: average((metrics) => metrics.diskBytes) / GIBIBYTE,
    ...totalMetrics(samples, reporting, now),
  };
}

function totalMetrics(
  samples: PoolSamples,
  reporting: readonly { node: Node; metrics: NodeMetrics }[],
  now: number,
): Sample {
  const readings = new Map(
    reporting.map(({ node, metrics }) => [
      node.key,
      [now / 1000, ...TOTALS.map(([, property]) => metrics[property] ?? 0)],
    ]),
  );
  const [seconds = 0, ...added] = samples.totals.step(now, readings);
  return {
    $WallClockSeconds: seconds,
    ...Object.fromEntries(TOTALS.map(([name], index) => [name, added[index] ?? 0])),
  };
}
