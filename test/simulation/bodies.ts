import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { JobAdd } from '../../protocol/batch/job.js';
import { PoolAdd } from '../../protocol/batch/pool.js';
import { TaskFactoryAdd } from '../../protocol/batch/task-factory.js';
import { TaskAdd } from '../../protocol/batch/task.js';
import type { Feature, Options } from './options.js';
import { commandLineOf } from './program.js';
import type { RandomStream } from './random.js';

/** Draws the bodies of a workload; all go through the wire's schemas, as real ones do. */
export class Bodies {
  constructor(
    private readonly random: RandomStream,
    private readonly options: Options,
  ) {}

  #uses(feature: Feature, probability = 0.5): boolean {
    return this.options.features[feature] && this.random.chance(probability);
  }

  pool(id: string): PoolAdd {
    return PoolAdd.parse({ id, ...this.#poolSpecification(id) });
  }

  #poolSpecification(id: string) {
    const { random, options } = this;
    return {
      vmSize: options.features.capacity && random.chance(0.3) ? 'standard_d2_v2' : 'standard_d1_v2',
      virtualMachineConfiguration: {
        imageReference: {
          publisher: 'batchyard',
          offer: 'process',
          sku: 'local',
          version: 'latest',
        },
        nodeAgentSKUId: 'batch.node.process',
      },
      taskSlotsPerNode:
        this.options.features.groups && id.length % 2 === 0
          ? 1
          : random.int(1, options.slotsMaximum),
      enableInterNodeCommunication: this.options.features.groups,
      taskSchedulingPolicy: { nodeFillType: random.pick(['spread', 'pack']) },
      targetDedicatedNodes: random.int(1, options.nodesMaximum),
      targetLowPriorityNodes: options.features.lowPriority
        ? random.int(0, options.nodesMaximum)
        : random.chance(0.2)
          ? random.int(0, 2)
          : 0,
      ...(this.#uses('startTasks')
        ? {
            startTask: {
              commandLine: 'simulate start',
              maxTaskRetryCount: random.int(0, 2),
              waitForSuccess: random.chance(0.7),
            },
          }
        : {}),
    };
  }

  /** `lifetimes`: what the auto pool may be for. */
  #poolInfo(poolId: string, lifetimes: readonly ('job' | 'jobschedule')[]) {
    const { random } = this;
    if (!this.#uses('autoPools', 0.3)) return { poolId };
    return {
      autoPoolSpecification: {
        ...(random.chance(0.5) ? { autoPoolIdPrefix: 'auto' } : {}),
        poolLifetimeOption: random.pick(lifetimes),
        keepAlive: random.chance(0.2),
        pool: this.#poolSpecification(random.chance(0.5) ? 'even' : 'odd'),
      },
    };
  }

  #jobSpecification(poolId: string, lifetimes: readonly ('job' | 'jobschedule')[] = ['job']) {
    const { random } = this;
    return {
      poolInfo: this.#poolInfo(poolId, lifetimes),
      priority: this.#uses('priorities', 0.7) ? random.int(-2, 2) * 100 : 0,
      allowTaskPreemption: this.#uses('preemption', 0.6),
      maxParallelTasks: this.#uses('maxParallel', 0.4) ? random.int(1, 3) : -1,
      usesTaskDependencies: this.options.features.dependencies,
      onAllTasksComplete: random.chance(0.12) ? 'terminatejob' : 'noaction',
      ...(this.#uses('jobPreparation', 0.5) ? this.#specialTasks() : {}),
      ...(this.#uses('jobManagers', 0.25)
        ? {
            jobManagerTask: {
              id: 'manager',
              commandLine: this.#commandLine(),
              runExclusive: random.chance(0.5),
              killJobOnCompletion: random.chance(0.3),
              constraints: { maxTaskRetryCount: random.int(0, 1) },
            },
          }
        : {}),
    };
  }

  #specialTasks() {
    const { random } = this;
    const commandLine = () =>
      commandLineOf({
        ms: random.int(20, 5_000),
        exitCode: random.chance(0.05) ? 1 : 0,
        fails: random.chance(0.2) ? 1 : 0,
        unprepared: false,
        stubborn: random.chance(0.1),
      });
    return {
      jobPreparationTask: {
        commandLine: commandLine(),
        waitForSuccess: random.chance(0.8),
        rerunOnNodeRebootAfterSuccess: random.chance(0.5),
        constraints: { maxTaskRetryCount: random.int(0, 2) },
      },
      ...(random.chance(0.6) ? { jobReleaseTask: { commandLine: commandLine() } } : {}),
    };
  }

  job(id: string, poolId: string): JobAdd {
    return JobAdd.parse({ id, ...this.#jobSpecification(poolId) });
  }

  jobSchedule(id: string, poolId: string): JobScheduleAdd {
    const { random } = this;
    return JobScheduleAdd.parse({
      id,
      schedule: {
        ...(this.#uses('cronSchedules', 0.6)
          ? { cronExpression: `*/${random.pick([20, 30])} * * * * *`, timeZone: 'Europe/Berlin' }
          : random.chance(0.7)
            ? { recurrenceInterval: `PT${random.int(20, 180)}S` }
            : {}),
      },
      jobSpecification: {
        ...this.#jobSpecification(poolId, ['job', 'jobschedule']),
        onAllTasksComplete: 'terminatejob',
        jobManagerTask: {
          id: 'manager',
          commandLine: this.#commandLine(),
          runExclusive: random.chance(0.3),
        },
      },
    });
  }

  #runMs(): number {
    if (this.#uses('shortTasks', 0.6)) return this.random.int(1, 300);
    if (this.#uses('longTasks', 0.25)) return this.random.int(40_000, 200_000);
    return this.random.int(200, 40_000);
  }

  #commandLine(): string {
    const { random } = this;
    const fails = this.#uses('retries', 0.3) ? random.int(1, 3) : 0;
    return commandLineOf({
      ms: this.#runMs(),
      exitCode: random.chance(0.07) ? random.int(1, 255) : 0,
      fails,
      unprepared: random.chance(0.02),
      stubborn: random.chance(0.1),
    });
  }

  /** `large`: more than a tick makes. */
  factory(id: string, large: boolean): TaskFactoryAdd {
    const { random } = this;
    const length = large ? random.int(2_000, 3_000) : random.int(1, 40);
    return TaskFactoryAdd.parse({
      id,
      taskIdDigits: random.int(1, 4),
      firstTaskNumber: random.int(0, 3),
      list: { items: Array.from({ length }, () => String(random.int(1, large ? 20 : 5_000))) },
      repeatTask: {
        commandLine: 'simulate ms={0} exit=0 fails=0',
        requiredSlots: this.#uses('wideTasks', 0.3) ? random.int(1, this.options.slotsMaximum) : 1,
      },
    });
  }

  /** `earlier`: ids the task may depend on, existing or not. */
  task(id: string, earlier: readonly string[], dependenciesAllowed: boolean): TaskAdd {
    const { random, options } = this;
    const dependsOn = dependenciesAllowed && earlier.length > 0 && this.#uses('dependencies');
    const first = Number(random.pick(earlier) ?? 1);
    const isGroup = this.#uses('groups', 0.25);
    return TaskAdd.parse({
      id,
      commandLine: this.#commandLine(),
      requiredSlots:
        !isGroup && this.#uses('wideTasks', 0.3) ? random.int(1, options.slotsMaximum) : 1,
      ...(isGroup
        ? {
            multiInstanceSettings: {
              numberOfInstances: random.int(1, Math.min(3, options.nodesMaximum)),
              coordinationCommandLine: `simulate ms=${random.int(1, 2000)} exit=${random.chance(0.1) ? 7 : 0} fails=0`,
            },
          }
        : {}),
      constraints: {
        ...(this.#uses('retries', 0.6) ? { maxTaskRetryCount: random.int(0, 4) } : {}),
        ...(random.chance(0.05) ? { maxWallClockTime: `PT${random.int(1, 10)}S` } : {}),
      },
      ...(!dependsOn
        ? {}
        : random.chance(0.8)
          ? { dependsOn: { taskIds: [random.pick(earlier), random.pick(earlier)] } }
          : { dependsOn: { taskIdRanges: [{ start: first, end: first + random.int(0, 3) }] } }),
    });
  }
}
