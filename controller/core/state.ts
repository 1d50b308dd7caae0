import { idOf, jobOf } from '../../protocol/keys.js';
import type {
  AccountKey,
  ApplicationKey,
  ApplicationPackageKey,
  HypervisorKey,
  ImageKey,
  CertificateKey,
  JobKey,
  JobScheduleKey,
  NodeKey,
  PoolKey,
  TaskKey,
} from '../../protocol/keys.js';
import type { Account } from './account/state.js';
import type { PoolSamples } from './autoscale/samples.js';
import type { ApplicationPackage } from './application-package/state.js';
import type { Application } from './application/state.js';
import type { Certificate } from './certificate/state.js';
import { Deadlines } from './deadlines.js';
import type { HypervisorSight, HypervisorSwitch } from './hypervisor/state.js';
import type { JobSchedule } from './job-schedule/state.js';
import type { Image } from './image/state.js';
import type { Job } from './job/state.js';
import type { Node } from './node/state.js';
import type { Pool } from './pool/state.js';
import { NodeLoad } from './scheduler/fit.js';
import { JobWork } from './scheduler/job-work.js';
import { PoolWork } from './scheduler/pool-work.js';
import type { TaskFactory } from './task-factory/state.js';
import type { Task } from './task/state.js';

/**
 * The tables in memory and their indexes. Everything in the second half can be made again from the
 * first. Changed only by core transitions that tell the recorder.
 */
export class State {
  readonly accounts = new Map<AccountKey, Account>();
  readonly certificates = new Map<CertificateKey, Certificate>();
  readonly applications = new Map<ApplicationKey, Application>();
  readonly applicationPackages = new Map<ApplicationPackageKey, ApplicationPackage>();
  readonly images = new Map<ImageKey, Image>();
  readonly hypervisorSwitches = new Map<HypervisorKey, HypervisorSwitch>();
  readonly pools = new Map<PoolKey, Pool>();
  readonly nodes = new Map<NodeKey, Node>();
  readonly jobs = new Map<JobKey, Job>();
  readonly jobSchedules = new Map<JobScheduleKey, JobSchedule>();
  /**
   * Not completed, or loaded for a command of this tick, or completed in it. Tasks that wait for room only are
   * packed in their job's shelf instead: `findTask` finds both.
   */
  readonly tasks = new Map<TaskKey, Task>();

  readonly nodesOfPool = new Map<PoolKey, Set<Node>>();
  readonly jobsOfSchedule = new Map<JobScheduleKey, Set<Job>>();
  readonly poolWork = new Map<PoolKey, PoolWork>();
  readonly jobWork = new Map<JobKey, JobWork>();
  /** Jobs with allowTaskPreemption. */
  readonly preemptibleJobs = new Set<JobKey>();
  readonly loads = new Map<NodeKey, NodeLoad>();
  readonly deadlines = new Deadlines();
  /** What is known of hypervisors, by name. Not durable: nodes of one that is not known yet are taken to be within reach. */
  readonly hypervisors = new Map<string, HypervisorSight>();
  /** Nodes that gave up their room, in the order in which they did. */
  readonly preempted = new Set<Node>();
  /** Resizes that wait for room which others are leaving; true: for dedicated nodes, which come first. */
  readonly waitingForRoom = new Map<PoolKey, boolean>();
  /** The recent past of each pool, for autoscale formulas. */
  readonly samples = new Map<PoolKey, PoolSamples>();
  /** Pools whose jobs' task counts have changed in this tick. */
  readonly queueChanged = new Set<PoolKey>();
  /** Looked at again at the end of the tick: pools to place tasks in, entities to settle. */
  readonly toSchedule = new Set<PoolKey>();
  readonly toSettle = {
    pools: new Set<PoolKey>(),
    nodes: new Set<NodeKey>(),
    jobs: new Set<JobKey>(),
    jobSchedules: new Set<JobScheduleKey>(),
    certificates: new Set<CertificateKey>(),
  };
  /** Jobs with task factories that have tasks to make. */
  readonly unfolding = new Set<JobKey>();
  /** Jobs with tasks that were queued since the last commit: these may be packed after the next one. */
  readonly toShelve = new Set<JobWork>();
  /** Completed in this tick or loaded for it: leave memory after its commit. */
  readonly toEvict = new Set<Task>();

  addPool(pool: Pool): void {
    this.pools.set(pool.key, pool);
    if (!this.nodesOfPool.has(pool.key)) this.nodesOfPool.set(pool.key, new Set());
  }

  removePool(pool: Pool): void {
    this.pools.delete(pool.key);
    this.nodesOfPool.delete(pool.key);
    this.samples.delete(pool.key);
    this.waitingForRoom.delete(pool.key);
  }

  addNode(node: Node): void {
    this.nodes.set(node.key, node);
    const nodes = this.nodesOfPool.get(node.pool);
    if (nodes === undefined) this.nodesOfPool.set(node.pool, new Set([node]));
    else nodes.add(node);
    this.loads.set(node.key, new NodeLoad(node));
    if (node.state === 'preempted' && node.preempting === undefined) this.preempted.add(node);
  }

  removeNode(node: Node): void {
    const load = this.loads.get(node.key);
    if (load !== undefined) this.workOfPool(node.pool).unlist(load);
    this.loads.delete(node.key);
    this.nodes.delete(node.key);
    this.nodesOfPool.get(node.pool)?.delete(node);
    this.preempted.delete(node);
  }

  addJob(job: Job): void {
    this.jobs.set(job.key, job);
    this.jobWork.set(job.key, new JobWork(job, this));
    this.notePreemption(job);
    if (job.jobSchedule === undefined) return;
    const jobs = this.jobsOfSchedule.get(job.jobSchedule);
    if (jobs === undefined) this.jobsOfSchedule.set(job.jobSchedule, new Set([job]));
    else jobs.add(job);
  }

  /** The job's allowTaskPreemption may have changed. */
  notePreemption(job: Job): void {
    if (job.specification.allowTaskPreemption) this.preemptibleJobs.add(job.key);
    else this.preemptibleJobs.delete(job.key);
  }

  removeJob(job: Job): void {
    this.preemptibleJobs.delete(job.key);
    const work = this.jobWork.get(job.key);
    if (work !== undefined && job.pool !== undefined) this.workOfPool(job.pool).order.leave(work);
    this.jobWork.delete(job.key);
    if (work !== undefined) this.toShelve.delete(work);
    this.jobs.delete(job.key);
    if (job.jobSchedule !== undefined) this.jobsOfSchedule.get(job.jobSchedule)?.delete(job);
  }

  /** The task in memory as itself, from now to the end of the tick at least. */
  findTask(key: TaskKey): Task | undefined {
    return this.tasks.get(key) ?? this.jobWork.get(jobOf(key))?.ready.lift(idOf(key));
  }

  /** The task to look at: one that is packed stays so, and this is a copy. */
  lookAtTask(key: TaskKey): Readonly<Task> | undefined {
    return this.tasks.get(key) ?? this.jobWork.get(jobOf(key))?.shelf.copyOf(idOf(key));
  }

  hasTask(key: TaskKey): boolean {
    return this.tasks.has(key) || this.jobWork.get(jobOf(key))?.shelf.has(idOf(key)) === true;
  }

  addTaskFactory(factory: TaskFactory): void {
    this.workOfJob(factory.job).factories.set(factory.id.toLowerCase(), factory);
  }

  /** Made on first use: jobs may point at pools that do not exist. */
  workOfPool(key: PoolKey): PoolWork {
    let work = this.poolWork.get(key);
    if (work === undefined) {
      work = new PoolWork(key);
      this.poolWork.set(key, work);
    }
    return work;
  }

  workOfJob(key: JobKey): JobWork {
    const work = this.jobWork.get(key);
    if (work === undefined) throw new Error(`no scheduling record of job ${key}`);
    return work;
  }

  loadOf(node: Node): NodeLoad {
    const load = this.loads.get(node.key);
    if (load === undefined) throw new Error(`no load record of node ${node.key}`);
    return load;
  }
}
