import type { TaskAdd } from '../../protocol/batch/task.js';
import type { Image } from './image/state.js';
import type { JobKey, TaskKey } from '../../protocol/keys.js';
import type { Account } from './account/state.js';
import type { ApplicationPackage } from './application-package/state.js';
import type { Application } from './application/state.js';
import { restoreSamples, type SampleWindow } from './autoscale/sample-window.js';
import { takeSamples } from './autoscale/sampler.js';
import { countFromNow } from './clock-put-back.js';
import type { Certificate } from './certificate/state.js';
import type { HypervisorSwitch } from './hypervisor/state.js';
import { finish } from './job-node/report.js';
import { runUnderWay, type JobNode } from './job-node/state.js';
import type { JobSchedule } from './job-schedule/state.js';
import type { Job } from './job/state.js';
import type { Node } from './node/state.js';
import { freshSession, fullLease } from './node/transition.js';
import type { Pool } from './pool/state.js';
import type { Recorder } from './recorder.js';
import type { TaskFactory } from './task-factory/state.js';
import { armFactories } from './task-factory/unfold.js';
import { hold, hauntBy, holdSubtask, relist } from './task/hold.js';
import { backToActive, isReady, makeReady, shelve } from './task/ready.js';
import type { Task } from './task/state.js';

/** What memory starts from: every row but tasks. */
export interface Snapshot {
  accounts: Account[];
  certificates: Certificate[];
  applications: Application[];
  applicationPackages: ApplicationPackage[];
  images: Image[];
  hypervisors: HypervisorSwitch[];
  pools: Pool[];
  nodes: Omit<Node, 'session'>[];
  jobs: Job[];
  jobNodes: JobNode[];
  jobSchedules: JobSchedule[];
  taskFactories: TaskFactory[];
  sampleWindows: SampleWindow[];
  /** `dependsOn` of tasks that are not completed and have one. */
  dependencies: { key: TaskKey; dependsOn: NonNullable<TaskAdd['dependsOn']> }[];
  satisfied: { job: JobKey; taskId: string }[];
}

/**
 * Makes memory from rows: everything but tasks, then tasks page by page, then what follows from all of
 * them. Every node starts with a whole lease from the end of that on: whatever its agent was allowed
 * before has then ended too.
 */
export class Restoration {
  readonly #dependsOn: ReadonlyMap<TaskKey, Snapshot['dependencies'][number]['dependsOn']>;
  readonly #orphans: Task[] = [];

  constructor(
    private readonly recorder: Recorder,
    private readonly rows: Snapshot,
  ) {
    this.#dependsOn = new Map(rows.dependencies.map((one) => [one.key, one.dependsOn]));
    restoreRows(recorder, rows);
  }

  /** The next tasks, in order of job and sequence. */
  take(tasks: Iterable<Task>): void {
    for (const task of tasks) this.#restoreTask(task);
    shelve(this.recorder.state);
  }

  /** All tasks are there. */
  finish(): void {
    const { recorder } = this;
    const { state } = recorder;
    countFromNow(recorder);
    for (const node of state.nodes.values()) node.session.leaseUntil = fullLease(recorder);
    for (const task of this.#orphans) backToActive(recorder, task, 'lost');
    for (const node of state.nodes.values()) relist(state, node);
    restoreSamples(recorder, this.rows.sampleWindows);
    takeSamples(recorder);
    for (const pool of state.pools.keys()) recorder.ask({ type: 'reconcilePool', poolKey: pool });
    for (const key of state.pools.keys()) state.toSettle.pools.add(key);
    for (const key of state.nodes.keys()) state.toSettle.nodes.add(key);
    for (const key of state.jobs.keys()) state.toSettle.jobs.add(key);
    for (const key of state.jobSchedules.keys()) state.toSettle.jobSchedules.add(key);
    for (const key of state.certificates.keys()) state.toSettle.certificates.add(key);
  }

  #restoreTask(task: Task): void {
    const { recorder } = this;
    const { state } = recorder;
    const work = state.workOfJob(task.job);
    state.tasks.set(task.key, task);
    work.add(task);
    const waitsFor = this.#dependsOn.get(task.key);
    if (waitsFor !== undefined && task.phase === undefined) work.dependencies.add(task, waitsFor);
    for (const subtask of task.subtasks ?? []) {
      const node = state.nodes.get(subtask.node);
      if (node === undefined) delete subtask.dying;
      else if (subtask.dying === true) hauntBy(recorder, node, subtask, true);
      else if (subtask.phase !== undefined) holdSubtask(state, node, subtask);
    }
    const node = task.node === undefined ? undefined : state.nodes.get(task.node);
    if (task.phase !== undefined && node !== undefined) hold(state, node, task);
    else if (task.phase !== undefined) this.#orphans.push(task);
    else if (isReady(state, work, task)) makeReady(state, task);
  }
}

function restoreRows(recorder: Recorder, rows: Snapshot): void {
  const { state } = recorder;
  for (const account of rows.accounts) state.accounts.set(account.key, account);
  for (const certificate of rows.certificates) state.certificates.set(certificate.key, certificate);
  for (const one of rows.applications) state.applications.set(one.key, one);
  for (const one of rows.applicationPackages) state.applicationPackages.set(one.key, one);
  for (const image of rows.images) state.images.set(image.key, image);
  for (const one of rows.hypervisors) state.hypervisorSwitches.set(one.key, one);
  for (const pool of rows.pools) state.addPool(pool);
  for (const row of rows.nodes)
    state.addNode({
      ...row,
      // Until its agent says otherwise, a node that waits for data to go has some.
      session: { ...freshSession(fullLease(recorder)), retains: true },
    });
  for (const schedule of rows.jobSchedules) state.jobSchedules.set(schedule.key, schedule);
  for (const job of rows.jobs) state.addJob(job);
  for (const factory of rows.taskFactories) state.addTaskFactory(factory);
  for (const job of rows.jobs) armFactories(recorder, job);
  for (const { job, taskId } of rows.satisfied)
    state.jobWork.get(job)?.dependencies.satisfy(taskId);
  for (const jobNode of rows.jobNodes) restoreJobNode(recorder, jobNode);
}

function restoreJobNode(recorder: Recorder, jobNode: JobNode): void {
  const { state } = recorder;
  state.workOfJob(jobNode.job).nodes.set(jobNode.node, jobNode);
  const run = runUnderWay(jobNode)?.run;
  const node = state.nodes.get(jobNode.node);
  if (run === undefined) return;
  if (node !== undefined) state.loadOf(node).special.add(jobNode);
  else {
    finish(run, { endTime: recorder.now }, true);
    recorder.changed('jobNode', jobNode);
  }
}
