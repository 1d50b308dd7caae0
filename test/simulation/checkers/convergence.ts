import type { Job } from '../../../controller/core/job/state.js';
import type { Pool } from '../../../controller/core/pool/state.js';
import type { World } from '../world.js';
import { isFree } from './dependencies.js';

/**
 * Why the world has not come to rest yet, a line each; empty once everything that can end has ended:
 * pools are steady with all their nodes idle, nothing runs, no task waits that could be placed, and
 * the hypervisor has just the nodes that the state has.
 */
export function unfinished(world: World): string[] {
  if (!world.controller.up) return ['the controller is not up'];
  return [...pools(world), ...nodes(world), ...jobs(world), ...places(world)];
}

function* pools({ committed }: World): Iterable<string> {
  for (const pool of committed.tables.pool.values()) {
    if (pool.state !== 'active') yield `pool ${pool.key} is ${pool.state}`;
    if (pool.allocationState !== 'steady') yield `pool ${pool.key} is ${pool.allocationState}`;
    if (pool.imageUpgrade !== undefined) yield `pool ${pool.key} is still upgraded`;
    const has = [...committed.tables.node.values()].filter((node) => node.pool === pool.key).length;
    const target = pool.targetDedicatedNodes + pool.targetLowPriorityNodes;
    if (isLeft(pool, committed)) yield `auto pool ${pool.key} is left of what it was for`;
    if (has !== target || target === 0) yield `pool ${pool.key} has ${has} nodes of ${target}`;
  }
}

/** Made for a job that has completed, and not to be kept. */
const isLeft = (pool: Pool, { tables }: World['committed']) =>
  [...tables.job.values()].some(({ pool: key, state, specification, creationTime }) => {
    const auto = specification.poolInfo.autoPoolSpecification;
    const isOwn = auto?.poolLifetimeOption === 'job' && !auto.keepAlive;
    // Another pool may have been added under its name.
    const isMadeWith = key === pool.key && creationTime === pool.creationTime;
    return isMadeWith && isOwn && state === 'completed';
  });

function* nodes({ committed }: World): Iterable<string> {
  for (const node of committed.tables.node.values())
    if (node.state !== 'idle' || node.schedulingState !== 'enabled')
      yield `node ${node.key} is ${node.state} (scheduling ${node.schedulingState})`;
}

function* jobs(world: World): Iterable<string> {
  const { tables } = world.committed;
  for (const schedule of tables.jobSchedule.values())
    if (schedule.state !== 'completed') yield `job schedule ${schedule.key} is ${schedule.state}`;
  for (const job of tables.job.values()) {
    if (job.state !== 'active' && job.state !== 'completed') yield `job ${job.key} is ${job.state}`;
    const { active, running } = job.taskCounts;
    const ends = job.specification.onAllTasksComplete === 'terminatejob';
    if (job.state === 'active' && ends && active + running === 0)
      yield `job ${job.key} is active with all its tasks completed`;
    yield* tasks(world, job);
  }
}

function* tasks(world: World, job: Job): Iterable<string> {
  const { tables, tasksOfJob, bodies, isSatisfied } = world.committed;
  const pool = job.pool === undefined ? undefined : tables.pool.get(job.pool);
  for (const key of tasksOfJob.get(job.key) ?? []) {
    const task = tables.task.get(key);
    if (task === undefined) continue;
    const { result } = task.execution;
    if (
      result === 'success' &&
      job.specification.usesTaskDependencies &&
      !isSatisfied.call(world.committed, job.key, task.id)
    )
      yield `task ${key} succeeded and its dependants don't know`;
    if (task.state === 'completed') continue;
    if (task.phase !== undefined) yield `task ${key} is ${task.phase} on ${task.node ?? '?'}`;
    if (job.state !== 'active' || task.requiredSlots > (pool?.specification.taskSlotsPerNode ?? 0))
      continue;
    if (task.instances !== undefined) {
      const nodes = [...tables.node.values()].filter((node) => node.pool === job.pool).length;
      const specification = pool?.specification;
      if (
        specification?.enableInterNodeCommunication !== true ||
        specification.taskSlotsPerNode !== 1 ||
        task.instances > nodes
      )
        continue;
    }
    if (isFree(task, bodies.get(key), world.committed) && !isStalled(world, job))
      yield `task ${key} waits and could run`;
  }
}

/** Its preparation failed on some node: there may be none left for its tasks. */
const isStalled = ({ committed }: World, job: Job) =>
  [...committed.tables.jobNode.values()].some(
    (row) => row.job === job.key && row.preparation.result === 'failure',
  );

function* places({ committed, hypervisor, running }: World): Iterable<string> {
  const left = new Map(
    [...committed.tables.node.values()].map((node) => [node.key, node.incarnation]),
  );
  for (const agent of hypervisor.agents) {
    if (left.get(agent.nodeKey) !== agent.incarnation)
      yield `${agent.nodeKey};${agent.incarnation} exists and the state does not know it`;
    left.delete(agent.nodeKey);
  }
  for (const [key, incarnation] of left) yield `${key};${incarnation} does not exist`;
  for (const { agent, taskKey } of running) yield `${taskKey} runs on ${agent.nodeKey}`;
}
