import { accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { shapeFailures } from '../check.js';
import { diffResult, replacedBy } from '../compare.js';
import { about, isCode, onceMade } from '../failure.js';
import { holdsUnknown, listOf, objectOf, same, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import type { Ports } from '../ports.js';
import { timeoutsFailures } from '../timeouts.js';
import { CHILD_SHAPE } from '../wire-kind.js';
import { addTasks, TasksRefused } from './add.js';
import { removeTask, TASK_GONE, taskAsFound } from './task.js';
import { normalTask, taskKey, tasksFailures, tasksToWire } from './wire.js';

/** More belong into a program that adds them with a Batch client: a stack's state is no place for bulk data. */
const TASKS_MAX = 1_000;
const CALLS_AT_ONCE = 8;
const { owner: _owner, adoptExisting: _adopt, ...childShape } = CHILD_SHAPE;
const SHAPE = { ...childShape, jobId: 'text', tasks: 'list' } as const;
const IMMUTABLE = ['accountName', 'resourceGroupName', 'jobId'];

const jobIdOf = (props: Properties) => String(props.jobId);
const titleOf = (props: Properties) =>
  `TaskCollection (job ${jobIdOf(props)}, account ${String(props.accountName)})`;
/** The `tasks` input, by the service's key. */
const byKey = (props: Properties) =>
  new Map(listOf(props.tasks).map((task) => [taskKey(objectOf(task)), objectOf(task)]));
const meaning = (task: Properties) => normalTask(tasksToWire([task])[0] ?? {});

export const taskCollection: Kind = {
  name: 'TaskCollection',
  check(_olds, news) {
    const failures = shapeFailures(news, SHAPE, ['accountName', 'jobId', 'tasks']);
    if (failures.length === 0) {
      failures.push(...tasksFailures(news), ...timeoutsFailures(news.timeouts));
      const { length } = listOf(news.tasks);
      if (length > TASKS_MAX)
        failures.push({
          property: '',
          reason: `tasks: holds ${length} tasks, at most ${TASKS_MAX} are allowed: add more with a Batch client`,
        });
    }
    return Promise.resolve({ inputs: news, failures });
  },

  diff(_id, olds, news) {
    const replaces = replacedBy(olds, news, IMMUTABLE);
    if (holdsUnknown(news.tasks)) return diffResult(true, replaces, IMMUTABLE);
    const { added, removed, again, constrained } = changes(olds, news);
    const changed = added.length + removed.length + again.length + constrained.length > 0;
    const notes = again.map(
      (task) => `task ${String(task.id)} changed: it is deleted, added again and runs again`,
    );
    return { ...diffResult(changed, replaces, IMMUTABLE), notes };
  },

  create: (inputs, ports) =>
    about(titleOf(inputs), async () => {
      const id = armId(accountOf(inputs), 'jobs', jobIdOf(inputs), 'tasks');
      await add(id, inputs, listOf(inputs.tasks).map(objectOf), [], ports);
      return { id, outs: inputs };
    }),

  read: (_id, props, ports) =>
    about(titleOf(props), async () => {
      const tasks = await present(props, ports);
      const wanted = listOf(props.tasks);
      if (tasks.length === 0 && wanted.length > 0) return undefined;
      const inputs = same(tasks, wanted) ? props : { ...props, tasks };
      return { props: inputs, inputs };
    }),

  update: (id, olds, news, ports) =>
    about(titleOf(news), async () => {
      const { added, removed, again, constrained } = changes(olds, news);
      const gone = new Set([...removed, ...again].map(taskKey));
      const left = [...byKey(olds).values()].filter((task) => !gone.has(taskKey(task)));
      await onceMade(
        id,
        () => ({ ...news, tasks: left }),
        async () => {
          await inLanes([...removed, ...again], (task) =>
            removeTask({ ...news, jobId: olds.jobId }, String(task.id), ports),
          );
          const { task: tasks } = ports.data(accountOf(news));
          for (const body of tasksToWire(constrained))
            await tasks.update(jobIdOf(news), String(body.id), {
              constraints: objectOf(body.constraints),
            });
        },
      );
      await add(id, news, [...again, ...added], left, ports);
      return news;
    }),

  delete: (_id, props, ports) =>
    about(titleOf(props), () =>
      inLanes([...byKey(props).values()], (task) => removeTask(props, String(task.id), ports)),
    ),
};

interface Changes {
  added: Properties[];
  removed: Properties[];
  /** Only constraints can change in place: everything else makes it another task. */
  again: Properties[];
  constrained: Properties[];
}

function changes(olds: Properties, news: Properties): Changes {
  const [before, after] = [byKey(olds), byKey(news)];
  const result: Changes = { added: [], removed: [], again: [], constrained: [] };
  for (const [key, task] of before) if (!after.has(key)) result.removed.push(task);
  for (const [key, task] of after) {
    const old = before.get(key);
    if (old === undefined) {
      result.added.push(task);
      continue;
    }
    const { constraints: oldConstraints, ...oldRest } = meaning(old);
    const { constraints, ...rest } = meaning(task);
    if (!same(oldRest, rest)) result.again.push(task);
    else if (!same(oldConstraints, constraints)) result.constrained.push(task);
  }
  return result;
}

/** Those that were taken belong to the resource also where another one was refused. */
async function add(
  id: string,
  inputs: Properties,
  tasks: Properties[],
  there: Properties[],
  ports: Ports,
): Promise<void> {
  let taken: ReadonlySet<string> = new Set();
  const reached = () => ({
    ...inputs,
    tasks: [...there, ...tasks.filter((task) => taken.has(taskKey(task)))],
  });
  try {
    await addTasks(jobIdOf(inputs), tasksToWire(tasks), ports.data(accountOf(inputs)));
  } catch (error) {
    if (!(error instanceof TasksRefused)) throw error;
    taken = error.added;
    if (taken.size + there.length === 0) throw error;
    await onceMade(id, reached, () => Promise.reject(error));
  }
}

/** The tasks of the resource that the job still holds, as the service has them. */
async function present(props: Properties, ports: Ports): Promise<Properties[]> {
  const { task: tasks } = ports.data(accountOf(props));
  const found = new Map<string, Properties>();
  const wanted = [...byKey(props).values()];
  await inLanes(wanted, async (task) => {
    const { id, ...rest } = task;
    try {
      const answer = await tasks.get(jobIdOf(props), String(id));
      const { taskId, ...seen } = taskAsFound({ ...rest, taskId: id }, answer);
      found.set(taskKey(task), { id: taskId, ...seen });
    } catch (error) {
      if (!isCode(error, ...TASK_GONE)) throw error;
    }
  });
  return wanted.flatMap((task) => {
    const seen = found.get(taskKey(task));
    return seen === undefined ? [] : [seen];
  });
}

async function inLanes<Item>(
  items: readonly Item[],
  step: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const lane = async () => {
    for (const item of waiting) await step(item);
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, lane));
}
