import { accountOf, isOurs, markedMetadata, userMetadata } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about, isCode } from '../failure.js';
import { listOf, objectOf, same, type Properties } from '../json.js';
import type { DiffResult, Kind } from '../kind.js';
import { diffResult } from '../compare.js';
import type { DataPlane, Ports } from '../ports.js';
import { removeAndWait, timeoutMs, waitUntil } from '../wait.js';
import { inputsIn, normalPair, wireChanges, wireCheck } from '../wire-kind.js';
import { JOB_PATCHABLE, jobWire, normalTask, taskFailures, tasksToWire } from './wire.js';

const TASKS_A_CALL = 100;
const nameOf = (props: Properties) => String(props.jobId);
const titleOf = (props: Properties) =>
  `Job ${nameOf(props)} (account ${String(props.accountName)})`;

export const job: Kind = {
  name: 'Job',
  async check(_olds, news) {
    return Promise.resolve(wireCheck(jobWire, news, taskFailures(news)));
  },

  diff(_id, olds, news): DiffResult {
    const { changed, replaces } = changes(olds, news);
    return diffResult(changed.length > 0, replaces, [jobWire.idInput, 'accountName']);
  },

  async create(inputs, ports) {
    const data = ports.data(accountOf(inputs));
    const id = armId(accountOf(inputs), 'jobs', nameOf(inputs));
    return about(titleOf(inputs), async () => {
      await add(inputs, ports, data);
      await addTasks(nameOf(inputs), tasksToWire(inputs.tasks), data);
      await finish(inputs, data);
      return { id, outs: await outputs(inputs, data) };
    });
  },

  async read(_id, props, ports) {
    return about(titleOf(props), async () => {
      try {
        const found = await ports.data(accountOf(props)).job.get(nameOf(props));
        if (found.state === 'deleting') return undefined;
        const inputs = asFound(inputsIn(jobWire.shape, props), found);
        return { props: { ...inputs, ...computed(found) }, inputs };
      } catch (error) {
        if (isCode(error, 'JobNotFound')) return undefined;
        throw error;
      }
    });
  },

  async update(_id, olds, news, ports) {
    const data = ports.data(accountOf(news));
    const { changed } = changes(olds, news);
    return about(titleOf(news), async () => {
      await change(changed, news, ports, data);
      const before = new Set(tasksToWire(olds.tasks).map((task) => String(task.id).toLowerCase()));
      const fresh = tasksToWire(news.tasks).filter(
        (task) => !before.has(String(task.id).toLowerCase()),
      );
      await addTasks(nameOf(news), fresh, data);
      return outputs(news, data);
    });
  },

  async delete(_id, props, ports) {
    const { job: jobs } = ports.data(accountOf(props));
    await about(titleOf(props), () =>
      removeAndWait(ports, `job ${nameOf(props)}`, timeoutMs(props, 'delete'), {
        remove: () => jobs.delete(nameOf(props)),
        get: () => jobs.get(nameOf(props)),
        goneCode: 'JobNotFound',
        goingCode: 'JobBeingDeleted',
      }),
    );
  },
};

/** New tasks are added to the job that is there; a task that changed or went needs a new job. */
function changes(olds: Properties, news: Properties): { changed: string[]; replaces: string[] } {
  const { changed, replaces } = wireChanges(jobWire, olds, news);
  if (
    changed.includes('onAllTasksComplete') &&
    String(olds.onAllTasksComplete).toLowerCase() === 'terminatejob'
  )
    replaces.push('onAllTasksComplete');
  const before = new Map(
    tasksToWire(olds.tasks).map((task) => [String(task.id).toLowerCase(), normalTask(task)]),
  );
  const after = new Map(
    tasksToWire(news.tasks).map((task) => [String(task.id).toLowerCase(), normalTask(task)]),
  );
  const kept = [...before].every(([id, task]) => same(task, after.get(id)));
  if (!kept) replaces.push('tasks');
  if (!kept || after.size !== before.size) changed.push('tasks');
  return { changed, replaces };
}

const ends = (inputs: Properties) =>
  String(inputs.onAllTasksComplete).toLowerCase() === 'terminatejob';

async function add(inputs: Properties, ports: Ports, data: DataPlane): Promise<void> {
  const wanted = jobWire.toWire(inputs);
  const body = {
    ...wanted,
    metadata: markedMetadata(wanted.metadata, inputs),
    // A job without tasks that ends with its tasks would end before they are added.
    ...(ends(inputs) && listOf(inputs.tasks).length > 0 && { onAllTasksComplete: 'noaction' }),
  };
  try {
    await waitUntil(
      ports,
      `job ${nameOf(inputs)} of before is being deleted`,
      timeoutMs(inputs, 'create'),
      async () => {
        try {
          await data.job.add(body);
          return { done: undefined };
        } catch (error) {
          if (isCode(error, 'JobBeingDeleted')) return { seen: 'state deleting' };
          throw error;
        }
      },
    );
  } catch (error) {
    if (!isCode(error, 'JobExists')) throw error;
    await adopt(inputs, ports, data);
  }
}

async function adopt(inputs: Properties, ports: Ports, data: DataPlane): Promise<void> {
  const found = await data.job.get(nameOf(inputs));
  if (!isOurs(found, inputs) && inputs.adoptExisting !== true)
    throw new Error(
      "exists already and is not this stack's: choose another jobId, or set adoptExisting to take it over",
    );
  const { changed, replaces } = wireChanges(jobWire, asFound(inputs, found), inputs);
  if (replaces.length > 0)
    throw new Error(
      `exists already with another ${replaces.join(', ')}, which can't be changed in place: delete it, or give the values it has`,
    );
  await change(
    changed.filter((name) => name !== 'onAllTasksComplete'),
    inputs,
    ports,
    data,
  );
}

/** Only now may the job end with its tasks. */
async function finish(inputs: Properties, data: DataPlane): Promise<void> {
  if (!ends(inputs) || listOf(inputs.tasks).length === 0) return;
  try {
    await data.job.patch(nameOf(inputs), { onAllTasksComplete: 'terminatejob' });
  } catch (error) {
    if (!isCode(error, 'JobCompleted', 'JobBeingTerminated')) throw error;
  }
}

async function change(
  changed: string[],
  news: Properties,
  ports: Ports,
  data: DataPlane,
): Promise<void> {
  const jobId = nameOf(news);
  const wanted = jobWire.toWire(news);
  const patch = JOB_PATCHABLE.filter((name) => changed.includes(name));
  if (patch.length > 0) {
    const values = {
      priority: 0,
      maxParallelTasks: -1,
      allowTaskPreemption: false,
      constraints: {},
      onAllTasksComplete: 'noaction',
      ...wanted,
    };
    const body = { ...values, metadata: markedMetadata(wanted.metadata, news) } as Properties;
    await data.job.patch(jobId, Object.fromEntries(patch.map((name) => [name, body[name]])));
  }
  if (!changed.includes('poolInfo')) return;
  // The pool of a job can be changed only while the job is disabled.
  await data.job.disable(jobId, 'requeue');
  await waitUntil(ports, `job ${jobId} is being disabled`, timeoutMs(news, 'update'), async () => {
    const { state } = await data.job.get(jobId);
    return state === 'disabled' ? { done: undefined } : { seen: `state ${String(state)}` };
  });
  try {
    await data.job.patch(jobId, { poolInfo: wanted.poolInfo });
  } finally {
    await data.job.enable(jobId);
  }
}

/** Adds what is not there yet; the first task that is refused is the error, with its id. */
async function addTasks(jobId: string, tasks: Properties[], data: DataPlane): Promise<void> {
  for (let from = 0; from < tasks.length; from += TASKS_A_CALL) {
    const results = await data.job.addTasks(jobId, tasks.slice(from, from + TASKS_A_CALL));
    const refused = results.filter(
      ({ error }) => error !== undefined && error.code !== 'TaskExists',
    );
    const [first] = refused;
    if (first)
      throw new Error(
        `task ${first.taskId} was refused: ${first.error?.code ?? ''}: ${first.error?.message ?? ''}` +
          (refused.length > 1 ? ` (and ${refused.length - 1} more)` : ''),
      );
  }
}

async function outputs(inputs: Properties, data: DataPlane): Promise<Properties> {
  return { ...inputs, ...computed(await data.job.get(nameOf(inputs))) };
}

const computed = (found: Properties): Properties => ({ creationTime: found.creationTime });

/** A job that has completed by itself is as it should be; only what can be set is compared. */
function asFound(inputs: Properties, found: Properties): Properties {
  const settable = ['displayName', ...JOB_PATCHABLE, 'poolInfo'];
  const wire = { ...found, metadata: userMetadata(found.metadata) } as Properties;
  const now = Object.fromEntries(
    settable.filter((name) => wire[name] !== undefined).map((name) => [name, wire[name]]),
  );
  const wanted = jobWire.toWire(inputs);
  const { before, after } = normalPair(jobWire.schema, wanted, { ...wanted, ...now });
  const result = structuredClone(inputs);
  for (const name of settable) {
    if (name === 'poolInfo' && objectOf(inputs.poolInfo).autoPoolSpecification !== undefined)
      continue;
    const [one, other] = [before[name], after[name]];
    if (
      !same(one, other) &&
      !(one === undefined && listOf(other).length === 0 && Array.isArray(other))
    )
      result[name] = other;
  }
  return result;
}
