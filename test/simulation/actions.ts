import { jobScheduleAdd } from '../../controller/commands/job-schedule/add.js';
import { jobAdd } from '../../controller/commands/job/add.js';
import { poolAdd } from '../../controller/commands/pool/add.js';
import { taskAddCollection } from '../../controller/commands/task/add-collection.js';
import { taskAddFactory } from '../../controller/commands/task/add-factory.js';
import { taskAdd } from '../../controller/commands/task/add.js';
import { jobKey, jobScheduleKey, poolKey, taskFactoryKey, taskKey } from '../../protocol/keys.js';
import { jobActions, jobScheduleActions } from './job-actions.js';
import type { Feature, Options } from './options.js';
import { nodeActions, poolActions } from './pool-actions.js';
import { taskActions } from './task-actions.js';
import { ACCOUNT, type Workload } from './workload.js';

/** One thing a client may do; it looks at what is durable to find something to do it with. */
export interface Action {
  readonly feature?: Feature;
  readonly weight: number;
  readonly act: (workload: Workload) => void;
}

/** Those that a world's features allow. */
export function actions({ features }: Options): Action[] {
  const all: Action[] = [
    { weight: 4, act: addPool },
    { weight: 6, act: addJob },
    { weight: 40, act: addTask },
    { weight: 15, feature: 'collections', act: addTasks },
    { weight: 2, feature: 'factories', act: addFactory },
    { weight: 2, feature: 'jobSchedules', act: addJobSchedule },
    ...poolActions,
    ...nodeActions,
    ...jobActions,
    ...jobScheduleActions,
    ...taskActions,
  ];
  return all.filter(({ feature }) => feature === undefined || features[feature]);
}

/** Most worlds begin with pools and jobs, so that there is something to do from the start. */
export function addFirst(workload: Workload): void {
  const { poolsMaximum, jobsMaximum } = workload.world.options;
  for (let n = 0; n < poolsMaximum * 2; n += 1) addPool(workload);
  for (let n = 0; n < jobsMaximum; n += 1) addJob(workload);
}

const numbered = (prefix: string, workload: Workload, most: number) =>
  `${prefix}${workload.random.int(1, most)}`;

function addPool(workload: Workload): void {
  const { world, client, bodies } = workload;
  const id = numbered('pool', workload, world.options.poolsMaximum);
  const key = poolKey(ACCOUNT, id);
  if (world.committed.tables.pool.has(key)) return;
  client.send(poolAdd({ account: ACCOUNT, body: bodies.pool(id) }), () =>
    world.acknowledged.pools.add(key),
  );
}

function addJob(workload: Workload): void {
  const { world, client, bodies } = workload;
  const id = numbered('job', workload, world.options.jobsMaximum);
  const key = jobKey(ACCOUNT, id);
  const pool = numbered('pool', workload, world.options.poolsMaximum);
  if (world.committed.tables.job.has(key)) return;
  client.send(jobAdd({ account: ACCOUNT, body: bodies.job(id, pool) }), () =>
    world.acknowledged.jobs.add(key),
  );
}

function addJobSchedule(workload: Workload): void {
  const { world, client, bodies } = workload;
  const id = numbered('schedule', workload, 2);
  const key = jobScheduleKey(ACCOUNT, id);
  const pool = numbered('pool', workload, world.options.poolsMaximum);
  if (world.committed.tables.jobSchedule.has(key)) return;
  client.send(jobScheduleAdd({ account: ACCOUNT, body: bodies.jobSchedule(id, pool) }), () =>
    world.acknowledged.jobSchedules.add(key),
  );
}

/** Ids are numbers, so that ranges mean something; a few come twice, some after a deletion. */
function taskBody(workload: Workload, dependenciesAllowed: boolean) {
  const { random, bodies } = workload;
  workload.tasksAdded += 1;
  const number = random.chance(0.9) ? workload.tasksAdded : random.int(1, workload.tasksAdded);
  const earlier = [1, 2, 3, 4].map(() => String(random.int(1, workload.tasksAdded)));
  return bodies.task(String(number), earlier, dependenciesAllowed);
}

const jobToFill = ({ world, random, tasksAdded }: Workload) =>
  tasksAdded >= world.options.tasksMaximum
    ? undefined
    : random.pick(
        [...world.committed.tables.job.values()].filter(({ state }) => state === 'active'),
      );

function addTask(workload: Workload): void {
  const job = jobToFill(workload);
  if (job === undefined) return;
  const body = taskBody(workload, job.specification.usesTaskDependencies);
  workload.client.send(taskAdd({ account: ACCOUNT, jobId: job.id, body }), () =>
    workload.world.acknowledged.tasks.add(taskKey(job.key, body.id)),
  );
}

function addTasks(workload: Workload): void {
  const job = jobToFill(workload);
  if (job === undefined) return;
  const value = Array.from({ length: workload.random.int(2, 25) }, () =>
    taskBody(workload, job.specification.usesTaskDependencies),
  );
  workload.client.send(
    taskAddCollection({ account: ACCOUNT, jobId: job.id, body: { value } }),
    (results) => {
      for (const { status, taskId } of results)
        if (status === 'success') workload.world.acknowledged.tasks.add(taskKey(job.key, taskId));
    },
  );
}

/** Few ids, so that requests come again: after a lost answer, or with another body. */
function addFactory(workload: Workload): void {
  const { world, random, client, bodies } = workload;
  const job = jobToFill(workload);
  if (job === undefined) return;
  const body = bodies.factory(numbered('factory', workload, 3), random.chance(0.05));
  workload.tasksAdded += body.list?.items.length ?? 0;
  client.send(taskAddFactory({ account: ACCOUNT, jobId: job.id, body }), ({ id, taskCount }) =>
    world.acknowledged.factories.set(taskFactoryKey(job.key, id), {
      job: job.key,
      jobCreated: job.creationTime,
      taskCount,
    }),
  );
}
