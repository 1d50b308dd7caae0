import type { TaskCounts } from '../../../controller/core/job/state.js';
import type { Task } from '../../../controller/core/task/state.js';
import { taskFactoryKey, type JobKey, type NodeKey } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'counts';

const none = (): TaskCounts => ({ active: 0, running: 0, completed: 0, succeeded: 0, failed: 0 });

function count(counts: TaskCounts, task: Task, amount: number): void {
  counts[task.state === 'preparing' ? 'running' : task.state] += amount;
  if (task.state !== 'completed') return;
  counts[task.execution.result === 'success' ? 'succeeded' : 'failed'] += amount;
}

/** Task counts of jobs and of nodes equal what the task rows say, at every commit. */
export function countsChecker(): Checker {
  const ofJob = new Map<JobKey, { tasks: TaskCounts; slots: TaskCounts }>();
  const ofNode = new Map<NodeKey, { tasks: number; slots: number }>();
  const take = (task: Task | undefined, sign: 1 | -1) => {
    if (task === undefined) return;
    let job = ofJob.get(task.job);
    if (job === undefined) ofJob.set(task.job, (job = { tasks: none(), slots: none() }));
    count(job.tasks, task, sign);
    count(job.slots, task, sign * task.requiredSlots);
    if (task.phase !== 'running' || task.node === undefined) return;
    let node = ofNode.get(task.node);
    if (node === undefined) ofNode.set(task.node, (node = { tasks: 0, slots: 0 }));
    node.tasks += sign;
    node.slots += sign * task.requiredSlots;
  };
  const checkJob = (key: JobKey, { committed }: Sight) => {
    const job = committed.tables.job.get(key);
    if (job === undefined) return;
    const real = structuredClone(ofJob.get(key) ?? { tasks: none(), slots: none() });
    // Tasks that factories have accepted and not made yet.
    for (const [id, { next, ahead }] of Object.entries(job.factories ?? {})) {
      const factory = committed.tables.taskFactory.get(taskFactoryKey(key, id));
      const missing = (factory?.count ?? 0) - next - (ahead?.length ?? 0);
      real.tasks.active += missing;
      real.slots.active += missing * (factory?.requiredSlots ?? 0);
    }
    const same = (a: TaskCounts, b: TaskCounts) =>
      (Object.keys(a) as (keyof TaskCounts)[]).every((name) => a[name] === b[name]);
    check(
      same(job.taskCounts, real.tasks) && same(job.taskSlotCounts, real.slots),
      NAME,
      () =>
        `job ${key} says ${JSON.stringify([job.taskCounts, job.taskSlotCounts])}, its tasks ${JSON.stringify([real.tasks, real.slots])}`,
    );
  };
  const checkNode = (key: NodeKey, { committed }: Sight) => {
    const node = committed.tables.node.get(key);
    if (node === undefined) return;
    const real = { ...(ofNode.get(key) ?? { tasks: 0, slots: 0 }) };
    for (const task of committed.tables.task.values())
      for (const subtask of task.subtasks ?? [])
        if (subtask.node === key && subtask.phase === 'running') {
          real.tasks += 1;
          real.slots += 1;
        }
    check(
      node.runningTasksCount === real.tasks && node.runningTaskSlotsCount === real.slots,
      NAME,
      () =>
        `node ${key} says ${node.runningTasksCount} tasks in ${node.runningTaskSlotsCount} slots, the tasks ${real.tasks} in ${real.slots}`,
    );
  };
  return {
    name: NAME,
    committed({ changes }, sight) {
      const jobs = new Set<JobKey>();
      const nodes = new Set<NodeKey>();
      for (const { kind, key, before, after } of changes) {
        if (kind === 'job') jobs.add(key);
        if (kind === 'node') nodes.add(key);
        if (kind !== 'task') continue;
        take(before, -1);
        take(after, 1);
        for (const task of [before, after]) {
          if (task === undefined) continue;
          jobs.add(task.job);
          if (task.node !== undefined) nodes.add(task.node);
        }
      }
      for (const key of jobs) checkJob(key, sight);
      for (const key of nodes) checkNode(key, sight);
    },
  };
}
